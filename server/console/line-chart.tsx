import { scaleLinear } from 'd3-scale';
import { line } from 'd3-shape';
import type { FC } from 'hono/jsx';

export interface Line {
  readonly label: string;
  /** One for each step; undefined = there is nothing to tell, and the line has a gap. */
  readonly values: readonly (number | undefined)[];
}

interface LineChartProps {
  readonly title: string;
  /** What it shows in a sentence, for who does not see it: the numbers themselves are in the table of the page. */
  readonly summary: string;
  readonly lines: readonly Line[];
  /** The words for both ends of the time. */
  readonly from: string;
  readonly to: string;
  /** How a value is said at the scale. */
  readonly say: (value: number) => string;
}

/** The drawing has no measures of its own: it is stretched to its place, and words stand beside it at their own size. */
const WIDTH = 1_000;
const HEIGHT = 100;

/**
 * Lines over time as SVG that the server draws: no script, no inline style. A line is told by its colour and by its dashes, whose
 * looks are in console.css.
 */
export const LineChart: FC<LineChartProps> = ({ title, summary, lines, from, to, say }) => {
  const most = Math.max(1, ...lines.flatMap(({ values }) => values.map((value) => value ?? 0)));
  const steps = Math.max(...lines.map(({ values }) => values.length));
  const x = scaleLinear([0, steps - 1], [0, WIDTH]);
  const y = scaleLinear([0, most], [HEIGHT, 0]).nice(4);
  const [, top = most] = y.domain();
  const draw = line<number | undefined>()
    .defined((value) => value !== undefined)
    .x((_, index) => x(index))
    .y((value) => y(value ?? 0));
  return (
    <figure class="chart">
      <figcaption>
        <h3>{title}</h3>
        <ul class="chart-lines">
          {lines.map(({ label }, index) => (
            <li>
              <svg class={`line-${index}`} viewBox="0 0 28 8" width="28" height="8" aria-hidden="true">
                <path d="M0 4H28" />
              </svg>
              {label}
            </li>
          ))}
        </ul>
      </figcaption>
      <div class="chart-field">
        <div class="chart-scale" aria-hidden="true">
          <span>{say(top)}</span>
          <span>{say(top / 2)}</span>
          <span>{say(0)}</span>
        </div>
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={summary}>
          <path class="rule" d={[0, HEIGHT / 2, HEIGHT].map((at) => `M0 ${at}H${WIDTH}`).join('')} />
          {lines.map(({ values }, index) => (
            <path class={`line-${index}`} d={draw(values) ?? ''} />
          ))}
        </svg>
        <div class="chart-times" aria-hidden="true">
          <span>{from}</span>
          <span>{to}</span>
        </div>
      </div>
    </figure>
  );
};
