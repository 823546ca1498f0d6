// The picture that `cargo xtask bare` looks at (xtask/bare/src/lib.rs): discs on a slope, in three colours.

export function picture(width = 75, height = 53) {
  const rgba = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let colour = 0; colour < 3; colour++) {
        const far = (x - (20 + 15 * colour)) ** 2 + (y - 25) ** 2;
        rgba[4 * (y * width + x) + colour] = far < 150 ? 230 : (2 * x + y) & 255;
      }
      rgba[4 * (y * width + x) + 3] = 255;
    }
  }
  return { rgba, width, height };
}
