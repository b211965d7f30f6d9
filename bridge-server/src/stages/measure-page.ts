import { deflateSync } from 'node:zlib';
import type { Frame } from '../frame/frame';
import type { ClipFigures, FrameFigures, Measured } from './measure';

export type MeasurePageOptions = { readonly title: string; readonly rate?: string };

type Line = { readonly label: string; readonly colour: string; readonly values: readonly (number | undefined)[] };
type Chart = { readonly title: string; readonly help: string; readonly lines: readonly Line[] };

const chartWidth = 960;
const chartHeight = 150;
const margin = { left: 70, right: 12, top: 8, bottom: 20 };
const colours = { result: '#e4572e', source: '#4d9078', independent: '#8d99ae' } as const;

/**
 * The figures of a clip over time, beside its frames: one HTML file that needs nothing else. Curves go up where the
 * clip flickers, blurs or breaks; damaged frames and cuts are marked in all of them.
 */
export function measurePage(measured: Measured, { title, rate }: MeasurePageOptions): string {
  const { figures, series, thumbnails } = measured;
  const charts = chartsOf(series).filter(chart =>
    chart.lines.some(line => line.values.some(value => value !== undefined)),
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${escaped(title)}</title>
<style>
body { font: 14px/1.45 system-ui, sans-serif; background: #1b1d21; color: #e8e8e8; margin: 24px auto; max-width: ${chartWidth + 40}px; }
h1 { font-size: 20px; } h2 { font-size: 15px; margin: 22px 0 2px; } p { margin: 2px 0 6px; color: #a9adb5; }
table { border-collapse: collapse; } td, th { padding: 3px 14px 3px 0; text-align: left; } td + td { text-align: right; font-variant-numeric: tabular-nums; }
svg { background: #24272d; border-radius: 4px; } svg text { fill: #a9adb5; font-size: 11px; }
.strip { position: relative; height: 84px; margin-left: ${margin.left}px; width: ${chartWidth - margin.left - margin.right}px; }
.strip img { position: absolute; height: 66px; border-radius: 3px; } .strip span { position: absolute; top: 66px; font-size: 11px; color: #a9adb5; }
.key { margin-right: 16px; } .key::before { content: ''; display: inline-block; width: 18px; height: 3px; margin-right: 6px; vertical-align: middle; background: currentColor; }
.bad { color: #ffb703; }
</style>
</head>
<body>
<h1>${escaped(title)}</h1>
<p>${figures.frames} frames of ${figures.width}x${figures.height}${rate === undefined ? '' : ` at ${escaped(rate)}`}; ${figures.sampledFrames} looked at, ${figures.pairs} pairs compared.</p>
${summaryTable(figures)}
<div class="strip">${strip(thumbnails, series.length)}</div>
${charts.map(chart => chartHtml(chart, series)).join('\n')}
${defectList(series)}
</body>
</html>
`;
}

function chartsOf(series: readonly FrameFigures[]): Chart[] {
  const line = (label: string, colour: string, pick: (at: FrameFigures) => number | undefined): Line => ({
    label,
    colour,
    values: series.map(pick),
  });
  return [
    {
      title: 'Stability error',
      help: 'How much the picture changes although nothing moved: high is flicker.',
      lines: [
        line('result', colours.result, at => at.stability),
        line('independent frames', colours.independent, at => at.stabilityIndependent),
      ],
    },
    {
      title: 'Warping error',
      help: 'Mean squared difference to the next frame, moved onto this one.',
      lines: [
        line('result', colours.result, at => at.warpingError),
        line('source', colours.source, at => at.warpingErrorSource),
        line('independent frames', colours.independent, at => at.warpingErrorIndependent),
      ],
    },
    {
      title: 'Back and forth',
      help: 'What goes away again in the next frame, at the worst twentieth of the pixels.',
      lines: [line('result', colours.result, at => at.flicker), line('source', colours.source, at => at.flickerSource)],
    },
    {
      title: 'Style loss',
      help: 'Distance from the style: a peak is a frame that is less painted than its neighbours.',
      lines: [
        line('result', colours.result, at => at.styleLoss),
        line('independent frames', colours.independent, at => at.styleLossIndependent),
      ],
    },
    {
      title: 'Sharpness',
      help: 'Energy of fine detail: a dip is blur.',
      lines: [
        line('result', colours.result, at => at.sharpness),
        line('source', colours.source, at => at.sharpnessSource),
        line('independent frames', colours.independent, at => at.sharpnessIndependent),
      ],
    },
    {
      title: 'Unexplained motion',
      help: 'Share of the picture that is hidden, new, or moves too wildly to follow.',
      lines: [line('source', colours.source, at => at.unreliable)],
    },
    {
      title: 'PSNR against the source (dB)',
      help: 'Meaningful where the clip is not painted.',
      lines: [line('result', colours.result, at => (at.psnr === Infinity ? undefined : at.psnr))],
    },
  ];
}

function xOf(index: number, count: number): number {
  return margin.left + ((chartWidth - margin.left - margin.right) * index) / Math.max(1, count - 1);
}

function chartHtml({ title, help, lines }: Chart, series: readonly FrameFigures[]): string {
  const shown = lines.filter(line => line.values.some(value => value !== undefined));
  const values = shown
    .flatMap(line => line.values)
    .filter((value): value is number => value !== undefined && Number.isFinite(value));
  const top = niceTop(values.reduce((most, value) => Math.max(most, value), 0));
  const yOf = (value: number) =>
    margin.top + (chartHeight - margin.top - margin.bottom) * (1 - Math.max(0, value) / top);
  const grid = [0, 0.5, 1]
    .map(
      share =>
        `<line x1="${margin.left}" x2="${chartWidth - margin.right}" y1="${yOf(share * top)}" y2="${yOf(share * top)}" stroke="#3a3e46"/><text x="${margin.left - 6}" y="${yOf(share * top) + 4}" text-anchor="end">${figure(share * top)}</text>`,
    )
    .join('');
  const marks = series
    .map((at, i) => {
      if (at.defects.length > 0)
        return `<line x1="${x(i)}" x2="${x(i)}" y1="${margin.top}" y2="${chartHeight - margin.bottom}" stroke="#ffb703" stroke-width="2"><title>frame ${at.index}: ${escaped(at.defects.map(defect => defect.text).join('; '))}</title></line>`;
      if (at.shotStart && i > 0)
        return `<line x1="${x(i)}" x2="${x(i)}" y1="${margin.top}" y2="${chartHeight - margin.bottom}" stroke="#6b7280" stroke-dasharray="3 3"><title>cut at frame ${at.index}</title></line>`;
      return '';
    })
    .join('');
  function x(i: number): string {
    return xOf(i, series.length).toFixed(1);
  }
  const paths = shown
    .map(line => {
      let path = '';
      let open = false;
      line.values.forEach((value, i) => {
        if (value === undefined || !Number.isFinite(value)) {
          open = false;
          return;
        }
        path += `${open ? 'L' : 'M'}${x(i)} ${yOf(value).toFixed(1)}`;
        open = true;
      });
      return `<path d="${path}" fill="none" stroke="${line.colour}" stroke-width="1.5" stroke-linecap="round"/>`;
    })
    .join('');
  const ends = `<text x="${margin.left}" y="${chartHeight - 5}">${series[0]?.index ?? 0}</text><text x="${chartWidth - margin.right}" y="${chartHeight - 5}" text-anchor="end">${series.at(-1)?.index ?? 0}</text>`;
  const keys = shown
    .map(line => `<span class="key" style="color:${line.colour}">${escaped(line.label)}</span>`)
    .join('');
  return `<h2>${escaped(title)}</h2><p>${escaped(help)} ${keys}</p>
<svg width="${chartWidth}" height="${chartHeight}" viewBox="0 0 ${chartWidth} ${chartHeight}" role="img" aria-label="${escaped(title)}">${grid}${marks}${paths}${ends}</svg>`;
}

/** The next of 1, 2, 5, 10 ... that holds the value. */
function niceTop(most: number): number {
  if (!(most > 0)) return 1;
  const step = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map(factor => factor * step).find(top => top >= most * (1 - 1e-9)) ?? 10 * step;
}

function figure(value: number): string {
  if (value === 0) return '0';
  return Math.abs(value) >= 1e-3 && Math.abs(value) < 1e5
    ? String(Number(value.toPrecision(3)))
    : value.toExponential(1);
}

function summaryTable(figures: ClipFigures): string {
  const rows: readonly (readonly [string, number | undefined, string])[] = [
    ['Warping error', figures.warpingError, ''],
    ['… relative to the source’s own', figures.warpingErrorRatio, ''],
    ['Stability error', figures.stabilityError, ''],
    ['… of independent frames', figures.stabilityErrorIndependent, ''],
    ['Back and forth, 95th percentile', figures.flicker, ''],
    ['… of the source', figures.flickerSource, ''],
    ['Style loss relative to independent frames', figures.styleLossRatio, ''],
    ['Sharpness relative to independent frames', figures.sharpnessRatio, ''],
    ['Sharpness relative to the source', figures.sharpnessRatioSource, ''],
    ['PSNR against the source', figures.psnr, ' dB'],
    ['Damaged tiles', figures.defectTiles, ''],
  ];
  const cells = rows.flatMap(([label, value, unit]) =>
    value === undefined
      ? []
      : [`<tr><td>${escaped(label)}</td><td>${value === Infinity ? '∞' : figure(value)}${unit}</td></tr>`],
  );
  return `<table>${cells.join('')}</table>`;
}

function strip(thumbnails: readonly Frame[], count: number): string {
  const usable = chartWidth - margin.left - margin.right;
  let free = -Infinity;
  return thumbnails
    .map(frame => {
      const width = (66 * frame.width) / frame.height;
      const left = Math.min(usable - width, Math.max(0, (usable * frame.index) / Math.max(1, count - 1) - width / 2));
      // Pictures that would cover the one before are left out.
      if (left < free) return '';
      free = left + width + 2;
      return `<img src="data:image/png;base64,${Buffer.from(encodeThumbnail(frame)).toString('base64')}" alt="frame ${frame.index}" style="left:${left.toFixed(1)}px"><span style="left:${left.toFixed(1)}px">${frame.index}</span>`;
    })
    .join('');
}

function defectList(series: readonly FrameFigures[]): string {
  const bad = series.filter(at => at.defects.length > 0);
  if (bad.length === 0) return '<h2>Damage</h2><p>None found.</p>';
  const items = bad
    .slice(0, 200)
    .map(
      at =>
        `<li>frame ${at.index}: ${escaped(at.defects.map(defect => `${defect.kind} - ${defect.text}`).join('; '))}</li>`,
    );
  const more = bad.length > items.length ? `<p>and ${bad.length - items.length} more frames</p>` : '';
  return `<h2 class="bad">Damage</h2><ul>${items.join('')}</ul>${more}`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, sign => `&#${sign.charCodeAt(0)};`);
}

/** An 8-bit RGB PNG: signature, IHDR, IDAT, IEND (PNG specification, third edition). */
function encodeThumbnail({ width, height, rgb }: Frame): Uint8Array {
  const area = width * height;
  const rows = Buffer.alloc(height * (1 + 3 * width));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++)
        rows[y * (1 + 3 * width) + 1 + 3 * x + c] = Math.round(
          255 * Math.min(1, Math.max(0, rgb[c * area + y * width + x])),
        );
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    pngChunk('IHDR', head),
    pngChunk('IDAT', deflateSync(rows)),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
