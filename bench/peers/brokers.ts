import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exchange } from '../load/exchange.ts';
import { natsStreamDialogue } from '../load/nats.ts';
import { emptyFolder, freePort, type PeerKind, startProcess, versionOf } from './peer.ts';

const MOSQUITTO_NOTE = 'on disk within a second, not before the answer; no OAuth, no quota';
const NATS_NOTE = 'written before the answer, synced every two minutes; no OAuth, no quota';

/** Redis with every write in its log before the answer. */
export const redis: PeerKind = {
  name: 'Redis',
  origin: 'Debian: redis-server',
  find: () => Bun.which('redis-server'),
  async start({ folder, pinning }, program) {
    const port = freePort();
    const data = await emptyFolder(folder, 'redis');
    const flags = `--port ${port} --bind 127.0.0.1 --dir ${data} --save --appendonly yes --appendfsync always`;
    // An empty argument: no snapshots beside the log.
    const words = flags.split(' ').flatMap((word) => (word === '--save' ? [word, ''] : [word]));
    const running = await startProcess([...pinning.server, program, ...words], port);
    return {
      name: 'Redis, SET + PUBLISH',
      version: versionOf([program, '--version']),
      port,
      ...running,
      talk: (channels) => ({ kind: 'redis', channels }),
      note: 'log synced before the answer; no OAuth, no quota, no order, nothing comes back to who was away',
      delivery: {
        name: 'Redis, a stream and consumer groups',
        kind: 'redis',
        durable: true,
        note: 'log synced before it is sent; no OAuth, no quota',
      },
    };
  },
};

/** Mosquitto with retained messages and a database on disk, written as often as it can be without writing all of it each time. */
export const mosquitto: PeerKind = {
  name: 'Mosquitto',
  origin: 'Debian: mosquitto',
  find: () => Bun.which('mosquitto'),
  async start({ folder, pinning }, program) {
    const port = freePort();
    const data = await emptyFolder(folder, 'mosquitto');
    const file = join(data, 'mosquitto.conf');
    // As root it would become a user who may not write here.
    const user = process.getuid?.() === 0 ? 'user root\n' : '';
    const lines = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'persistence true'];
    lines.push(
      `persistence_location ${data}/`,
      'autosave_interval 1',
      'log_type error',
      'max_queued_messages 0',
    );
    await writeFile(file, `${user}${lines.join('\n')}\n`);
    const running = await startProcess([...pinning.server, program, '-c', file], port);
    return {
      name: 'Mosquitto, QoS 1 retained',
      version: versionOf([program, '-h']),
      port,
      ...running,
      talk: (channels) => ({ kind: 'mqtt', channels }),
      note: MOSQUITTO_NOTE,
      delivery: {
        name: 'Mosquitto, QoS 1, sessions that stay',
        kind: 'mqtt',
        durable: true,
        note: MOSQUITTO_NOTE,
      },
    };
  },
};

/** NATS with a stream that holds the newest message of each subject in files. */
export const nats: PeerKind = {
  name: 'NATS JetStream',
  origin: 'Debian: nats-server',
  find: () => Bun.which('nats-server'),
  async start({ folder, pinning }, program) {
    const port = freePort();
    const data = await emptyFolder(folder, 'nats');
    const flags = ['--addr', '127.0.0.1', '--port', String(port), '--jetstream', '--store_dir', data];
    const running = await startProcess([...pinning.server, program, ...flags], port);
    const made = await exchange({
      port,
      pid: running.pid,
      connections: 1,
      seconds: 0.2,
      warmUpMs: 0,
      dialogue: natsStreamDialogue,
    });
    if (made.failed > 0) throw new Error('NATS did not make the stream');
    return {
      name: 'NATS JetStream, file',
      version: versionOf([program, '--version']),
      port,
      ...running,
      talk: (channels) => ({ kind: 'nats', channels }),
      note: NATS_NOTE,
      delivery: {
        name: 'NATS JetStream, durable consumers with ack',
        kind: 'nats',
        durable: true,
        note: NATS_NOTE,
      },
    };
  },
};

/** Nginx with Nchan and a buffer of one message. */
export const nchan: PeerKind = {
  name: 'Nchan',
  origin: 'Debian: libnginx-mod-nchan',
  find: () => Bun.which('nginx'),
  async start({ folder, pinning }, program) {
    const port = freePort();
    const data = await emptyFolder(folder, 'nchan');
    const file = join(data, 'nginx.conf');
    const publish = 'nchan_publisher; nchan_channel_id $arg_id; nchan_message_buffer_length 1;';
    const http = `access_log off; keepalive_requests 100000000; nchan_max_reserved_memory 256M;
      server { listen 127.0.0.1:${port}; location /publish { ${publish} } }`;
    const user = process.getuid?.() === 0 ? 'user root;' : '';
    await writeFile(
      file,
      `load_module ${NCHAN_MODULE}; ${user} daemon off; worker_processes 1; pid ${data}/pid; error_log stderr error;
      events { worker_connections 20000; } http { client_body_temp_path ${data}; proxy_temp_path ${data};
      fastcgi_temp_path ${data}; uwsgi_temp_path ${data}; scgi_temp_path ${data}; ${http} }`,
    );
    const running = await startProcess([...pinning.server, program, '-p', data, '-c', file], port);
    return {
      name: 'Nchan, buffer 1',
      version: `nginx ${versionOf([program, '-v'])}`,
      port,
      ...running,
      talk: (channels) => ({ kind: 'nchan', channels }),
      note: 'in memory alone; no OAuth, no quota',
    };
  },
};

const NCHAN_MODULE = '/usr/lib/nginx/modules/ngx_nchan_module.so';
