import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { Aedes } from 'aedes';
import { ClassicLevel } from 'classic-level';

/** The MQTT broker aedes, with sessions and messages in a LevelDB. Takes its port and a folder. */
const [port, folder = ''] = process.argv.slice(2);
// It comes without types.
const persistIn = createRequire(import.meta.url)('aedes-persistence-level') as (db: ClassicLevel) => object;
const broker = await Aedes.createBroker({ persistence: persistIn(new ClassicLevel(folder)) });
createServer({ noDelay: true }, broker.handle).listen(Number(port), '127.0.0.1');
