import { createServer } from 'node:http';
import { Server, type Socket } from 'socket.io';

/** Socket.IO with a room for each channel. An event is acknowledged when it was handed to who is there. Takes its port. */
const [port] = process.argv.slice(2);
const ACK_MS = 30_000;
type Done = () => void;

const http = createServer();
// Nobody is asked for a sign of life while something is measured.
const io = new Server(http, { transports: ['websocket'], serveClient: false, pingInterval: 600_000 });
io.on('connection', (socket: Socket) => {
  socket.on('join', (channel: string, done: Done) => {
    void socket.join(channel);
    done();
  });
  socket.on('publish', (channel: string, payload: string, done: Done) => {
    io.to(channel)
      .timeout(ACK_MS)
      .emit('message', payload, () => {});
    done();
  });
});
http.listen(Number(port), '127.0.0.1');
