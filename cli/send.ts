import { Command } from 'commander';
import { SendError } from '../sender/send-error.ts';
import { Sender } from '../sender/sender.ts';
import { CliError, defaultServer, readServer } from './call.ts';
import { storedDemo } from './token.ts';

interface SendFlags {
  readonly server: string;
  readonly channel?: string;
  readonly subchannel: string;
}

/** `reveille send`: one message by way of the sender library, as an app's server sends it. */
export function sendVerb(): Command {
  return new Command('send')
    .description('Send one message to the stored channel, or to another one of the same app.')
    .argument('[payload]', 'text of at most 256 bytes', '')
    .option('--server <url>', 'the server', defaultServer)
    .option('--channel <id>', 'the channel (default: the one that bootstrap made)')
    .option('--subchannel <number>', '0, 1, 2 or 3', '0')
    .action(async (payload: string, flags: SendFlags) => {
      const server = readServer(flags.server);
      const demo = await storedDemo(server);
      const sender = new Sender({
        origin: server,
        clientId: demo.client.client_id,
        clientSecret: demo.client.client_secret,
        refreshToken: demo.refresh_token,
      });
      try {
        // What is no subchannel goes to the server as it is: its refusal says what is.
        const sent = await sender.send(flags.channel ?? demo.channel_id, Number(flags.subchannel), payload);
        console.log(`Accepted${sent.version === undefined ? '' : ` as version ${sent.version}`}.`);
      } catch (error) {
        if (error instanceof SendError) throw new CliError(error.message, { cause: error });
        throw error;
      }
    });
}
