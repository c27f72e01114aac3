import type { Outcome, Row } from './figure.ts';

const NAMES = 300;
/** A letter of a bold name at most, on average. */
const LETTER = 8;
const BARS = 450;
const VALUES = 110;
const ROW = 30;
const TOP = 64;
/** Both stand on white as on near-black (the page of a code host may be either). */
const colors = { own: '#d9480f', other: '#748ffc' };

/** A figure as horizontal bars, longest first, in SVG: docs/decisions/0225. */
export function barChart({ title, unit, rows }: Pick<Outcome, 'title' | 'unit' | 'rows'>): string {
  const sorted = [...rows].sort((a, b) => b.bar - a.bar);
  const longest = Math.max(...sorted.map(({ bar }) => bar), Number.MIN_VALUE);
  const names = Math.max(NAMES, ...sorted.map(({ name }) => name.length * LETTER + 28));
  const width = names + BARS + VALUES;
  const height = TOP + sorted.length * ROW + 12;
  const bars = sorted.map((row, at) => barOf(row, TOP + at * ROW, names, longest));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${xmlText(`${title}: ${unit}`)}" font-family="system-ui, sans-serif" font-size="14">
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="16" y="26" font-size="17" font-weight="600" fill="#212529">${xmlText(title)}</text>
<text x="16" y="48" fill="#495057">${xmlText(unit)}</text>
${bars.join('\n')}
</svg>
`;
}

function barOf({ name, bar, own }: Row, y: number, names: number, longest: number): string {
  const length = Math.max(1, (bar / longest) * BARS);
  const weight = own ? ' font-weight="600"' : '';
  const text = bar >= 100 ? Math.round(bar).toLocaleString('en-US') : bar.toPrecision(3);
  return [
    `<text x="${names - 12}" y="${y + 19}" text-anchor="end" fill="#212529"${weight}>${xmlText(name)}</text>`,
    `<rect x="${names}" y="${y + 4}" width="${length.toFixed(1)}" height="${ROW - 8}" rx="3" fill="${own ? colors.own : colors.other}"/>`,
    `<text x="${(names + length + 8).toFixed(1)}" y="${y + 19}" fill="#212529"${weight}>${text}</text>`,
  ].join('');
}

function xmlText(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
