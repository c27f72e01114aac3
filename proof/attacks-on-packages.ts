import { packedExtension, type ZipEntry, zipOf } from '../dev-env/packages.ts';
import { bearer, type Neighbours, type Try } from './household.ts';

const MEGABYTE = 2 ** 20;

/** A name that no packer writes, in place of one of the same length in both headers of its entry. */
function renamed(archive: Buffer<ArrayBuffer>, name: string): Buffer<ArrayBuffer> {
  const text = archive.toString('latin1').replaceAll(PLAIN.slice(0, name.length), name);
  return Buffer.from(text, 'latin1');
}

const PLAIN = 'harmless-name-to-be-replaced';

/** Archives that were made to hurt, at the store's upload. */
export async function tryPackages({ running, mine }: Neighbours): Promise<readonly Try[]> {
  const named = async (name: string) =>
    renamed(await packedExtension({}, [{ name: PLAIN.slice(0, name.length), bytes: 'x' }]), name);
  const more = (...entries: readonly ZipEntry[]) => packedExtension({}, entries);
  const manifest = {
    name: 'manifest.json',
    bytes: JSON.stringify({ name: 'x', version: '1', manifest_version: 3 }),
  };
  const names = {
    'a name that climbs': '../../x.js',
    'a name that climbs from within': 'a/../../x.js',
    'an absolute name': '/etc/passwd',
    'a name with backslashes': '..\\..\\x.js',
    'a name of a drive': 'C:\\x.js',
    'a name of a drive with slashes': 'C:/x/y.js',
    'a name with an empty part': 'a//x.js',
    'a name with a null byte': 'x.js\0.png',
    'a name with a line end': 'x\r\ny.js',
  };
  const archives: Record<string, Buffer<ArrayBuffer>> = {
    'a zip bomb': await more({ name: 'bomb.txt', bytes: Buffer.alloc(65 * MEGABYTE) }),
    'no zip': Buffer.from('PK\u0003\u0004 nothing'),
    'a manifest twice': await zipOf([manifest, manifest]),
    'a manifest twice, once in capitals': await zipOf([manifest, { ...manifest, name: 'MANIFEST.JSON' }]),
    'a link': await more({ name: 'x.js', bytes: '/etc/passwd', mode: 0o120777 }),
    'no manifest': await zipOf([{ name: 'x.js', bytes: '' }]),
  };
  for (const [what, name] of Object.entries(names)) archives[what] = await named(name);
  const put = async (body: Buffer<ArrayBuffer>) => {
    const answer = await fetch(`${running.origin}/upload/chromewebstore/v1.1/items/${mine.seed.app.id}`, {
      method: 'PUT',
      headers: bearer(mine.storeToken),
      body,
    });
    const told = await answer.text();
    const refused = (answer.status >= 400 && answer.status < 500) || told.includes('"FAILURE"');
    return { refused, told: `${answer.status} ${told}` };
  };
  const tries: Try[] = [];
  for (const [what, archive] of Object.entries(archives)) {
    const { refused, told } = await put(archive);
    tries.push({ what: `upload of ${what}`, held: refused, told });
  }
  // The same package with a name that is right: the refusals are about the names.
  const { refused, told } = await put(await named('assets/x.js'));
  return [...tries, { what: 'upload of a good package', held: !refused, told }];
}
