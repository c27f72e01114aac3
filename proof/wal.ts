import { readFileSync, truncateSync, writeFileSync } from 'node:fs';

/** The file format of SQLite's write-ahead log (sqlite.org/fileformat2.html, section 4): a header, then frames of one page each. */
const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

/** How a disk may leave what it was not yet told to keep. */
export type Damage = 'none' | 'cut' | 'flip' | 'scrap';

/**
 * Where the commit that holds `payload` ends in a log, in bytes; undefined when the log's valid frames do not hold it. Whoever was
 * told of that message was told after the sync of this commit (NL2), so all before that place is the disk's to keep; what stands behind it
 * nobody was told of, and it may not have been synced.
 */
export function endOfCommitWith(log: Buffer, payload: string): number | undefined {
  if (log.length < HEADER_BYTES) return undefined;
  const frameBytes = FRAME_HEADER_BYTES + log.readUInt32BE(8);
  const salts = log.subarray(16, 24);
  let found = false;
  for (let at = HEADER_BYTES; at + frameBytes <= log.length; at += frameBytes) {
    const frame = log.subarray(at, at + frameBytes);
    // Frames of before the log was last begun anew.
    if (!frame.subarray(8, 16).equals(salts)) return undefined;
    found ||= frame.includes(payload);
    const isCommit = frame.readUInt32BE(4) !== 0;
    if (found && isCommit) return at + frameBytes;
  }
  return undefined;
}

/**
 * Damages a log at a random byte behind the last commit that anyone was told of. Answers what was done: where nothing stands there, half a
 * frame of a commit that never was is written in its place.
 * @param told payload of the newest message that anyone was told of
 */
export function damageLog(path: string, told: string, wanted: Damage, random: () => number): Damage {
  const log = readFileSync(path);
  const end = endOfCommitWith(log, told);
  if (end === undefined || wanted === 'none') return 'none';
  const place = end + Math.floor(random() * (log.length - end));
  if (place >= log.length) {
    const scrap = Buffer.concat([log, log.subarray(-Math.ceil(1 + random() * 4_000))]);
    writeFileSync(path, scrap);
    return 'scrap';
  }
  if (wanted === 'cut') truncateSync(path, place);
  else {
    log.writeUInt8(log.readUInt8(place) ^ (1 << Math.floor(random() * 8)), place);
    writeFileSync(path, log);
  }
  return wanted;
}
