/** A picture of the simplest format there is, from which Bun makes those of the others. */
function bitmap(width: number, height: number): Uint8Array<ArrayBuffer> {
  const row = (width * 3 + 3) & ~3;
  const bytes = Buffer.alloc(54 + row * height);
  bytes.write('BM', 'latin1');
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(width, 18);
  bytes.writeInt32LE(height, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(24, 28);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1)
      bytes.set([(0xd6 - (x * 96) / width) | 0, (0x55 + (y * 80) / height) | 0, 0x4a], 54 + y * row + x * 3);
  return Uint8Array.from(bytes);
}

/** A gradient of this size. */
export async function picture(
  width: number,
  height: number,
  format: 'png' | 'jpeg' | 'webp' | 'bmp',
): Promise<Buffer<ArrayBuffer>> {
  const plain = bitmap(width, height);
  return Buffer.from(format === 'bmp' ? plain : await new Bun.Image(plain)[format]().bytes());
}
