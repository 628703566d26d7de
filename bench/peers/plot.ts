// Curves on logarithmic axes, as one SVG that stands in the documents: several panels side by side.
import { escapeHtml } from '../../lib/reporting/svg.ts';

interface Curve {
  readonly name: string;
  /** Size and cost. */
  readonly points: readonly (readonly [number, number])[];
}

export interface Panel {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly curves: readonly Curve[];
  /** False where the sizes are a few neighbours: 1, 2, 3, 4. */
  readonly logarithmic: boolean;
}

const WIDTH = 460;
const HEIGHT = 330;
const LEFT = 64;
const RIGHT = 14;
const TOP = 34;
const BOTTOM = 92;
const COLOURS = ['#2f6fde', '#d9480f', '#2b8a3e', '#862e9c'];

function power(exponent: number): string {
  const digits = String(exponent).replace(/[-\d]/g, (one) => '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'['-0123456789'.indexOf(one)] ?? one);
  return `10${digits}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function panelSvg({ title, x, y, curves, logarithmic }: Panel, offset: number): string {
  const xs = curves.flatMap((one) => one.points.map(([at]) => at));
  const ys = curves.flatMap((one) => one.points.map(([, cost]) => cost));
  const scale = (value: number) => (logarithmic ? Math.log10(value) : value);
  const [fromX, toX] = [scale(Math.min(...xs)), scale(Math.max(...xs))];
  const [fromY, toY] = [Math.floor(Math.log10(Math.min(...ys))), Math.ceil(Math.log10(Math.max(...ys)) + 1e-9)];
  const px = (value: number) => round(LEFT + ((scale(value) - fromX) / (toX - fromX || 1)) * (WIDTH - LEFT - RIGHT));
  const py = (value: number) =>
    round(HEIGHT - BOTTOM - ((Math.log10(value) - fromY) / (toY - fromY || 1)) * (HEIGHT - TOP - BOTTOM));
  const parts = [`<text x="${LEFT}" y="18" font-weight="bold">${escapeHtml(title)}</text>`];
  for (let exponent = fromY; exponent <= toY; exponent += 1) {
    const at = py(10 ** exponent);
    parts.push(`<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}" stroke="#8886"/>`);
    parts.push(`<text x="${LEFT - 8}" y="${at + 4}" text-anchor="end">${power(exponent)}</text>`);
  }
  for (const one of new Set(xs)) {
    const label = logarithmic ? power(Math.log10(one)) : String(one);
    parts.push(`<text x="${px(one)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${label}</text>`);
  }
  parts.push(
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - BOTTOM + 36}" text-anchor="middle">${escapeHtml(x)}</text>`,
  );
  const middle = (TOP + HEIGHT - BOTTOM) / 2;
  parts.push(
    `<text x="14" y="${middle}" text-anchor="middle" transform="rotate(-90 14 ${middle})">${escapeHtml(y)}</text>`,
  );
  for (const [index, { name, points }] of curves.entries()) {
    const colour = COLOURS[index % COLOURS.length];
    const line = points.map(([at, cost]) => `${px(at)},${py(cost)}`).join(' ');
    parts.push(`<polyline fill="none" stroke="${colour}" stroke-width="2" points="${line}"/>`);
    for (const [at, cost] of points) parts.push(`<circle cx="${px(at)}" cy="${py(cost)}" r="3" fill="${colour}"/>`);
    const [column, row] = [index % 2, Math.floor(index / 2)];
    const [lx, ly] = [LEFT + column * 190, HEIGHT - BOTTOM + 58 + row * 18];
    parts.push(
      `<rect x="${lx}" y="${ly - 9}" width="10" height="10" fill="${colour}"/><text x="${lx + 15}" y="${ly}">${escapeHtml(name)}</text>`,
    );
  }
  return `<g transform="translate(${offset} 0)">${parts.join('')}</g>`;
}

export function plotSvg(panels: readonly Panel[]): string {
  const width = panels.length * WIDTH;
  const body = panels.map((one, index) => panelSvg(one, index * WIDTH)).join('\n');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${HEIGHT}" width="${width}" font-family="system-ui, sans-serif" font-size="12" fill="#333" role="img">\n<title>What Keyturn costs as it grows: ${panels.map((one) => one.title).join(', ')}</title>\n<rect width="${width}" height="${HEIGHT}" fill="#fff"/>\n${body}\n</svg>\n`;
}
