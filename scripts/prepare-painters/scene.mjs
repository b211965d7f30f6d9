/**
 * A landscape made of nothing but formulas, for painters to show their hand on: sky, sun, hills, a tower, water.
 * Returns planar RGB, 0..1.
 */
export function drawScene(width, height, saturation = 1) {
  const rgb = new Float32Array(3 * width * height);
  const wave = (x, seed) =>
    Math.sin(x * 1.7 + seed) * 0.5 + Math.sin(x * 3.9 + 2 * seed) * 0.25 + Math.sin(x * 8.3 + 5 * seed) * 0.1;
  const mix = (a, b, t) => a.map((value, i) => value + (b[i] - value) * Math.min(1, Math.max(0, t)));
  const step = (edge, x, softness) => 1 / (1 + Math.exp(-(x - edge) / softness));
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const x = column / height;
      const y = row / height;
      const horizon = 0.66;
      const mirrored = y > horizon ? 2 * horizon - y - 0.012 * Math.sin(60 * (y - horizon) ** 0.7 + 3 * x) : y;
      let colour = mix([0.16, 0.32, 0.62], [0.98, 0.8, 0.5], (mirrored / horizon) ** 1.6);
      const cloud = wave(3 * x + 2 * mirrored, 1.3) + wave(9 * mirrored - x, 4.1);
      colour = mix(colour, [0.95, 0.93, 0.9], 0.35 * step(0.35, cloud, 0.1));
      const sun = Math.hypot(x - 0.95, mirrored - 0.24);
      colour = mix(colour, [1, 0.93, 0.62], step(-0.07, -sun, 0.012) + 0.25 * Math.exp(-sun * 7));
      colour = mix(colour, [0.36, 0.42, 0.5], step(0.5 - 0.13 * wave(2.2 * x, 0.4), mirrored, 0.004));
      colour = mix(colour, [0.25, 0.36, 0.22], step(0.58 - 0.07 * wave(3.1 * x + 1, 2.2), mirrored, 0.004));
      const tower =
        step(0.3, x, 0.003) * step(-0.37, -x, 0.003) * step(0.16 + 2.6 * Math.abs(x - 0.335), mirrored, 0.004);
      colour = mix(colour, [0.14, 0.12, 0.14], tower);
      const roofs = Math.abs(((x * 9.5) % 1) - 0.5) * 0.09;
      colour = mix(
        colour,
        [0.55, 0.24, 0.16],
        step(0.575 + roofs, mirrored, 0.003) * step(0.3, x, 0.02) * step(-0.85, -x, 0.02),
      );
      if (y > horizon)
        colour = mix(colour, [0.1, 0.24, 0.34], 0.35 + 0.15 * Math.sin(90 * (y - horizon) ** 0.8 + 8 * x));
      const grey = 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2];
      for (let channel = 0; channel < 3; channel++)
        rgb[(channel * height + row) * width + column] = grey + saturation * (colour[channel] - grey);
    }
  }
  return rgb;
}
