// Edge maps, and pictures of them.

const channels = (colour) => {
  if (Array.isArray(colour)) return colour;
  const digits = /^#?([0-9a-f]{6})$/i.exec(colour)?.[1];
  if (!digits) throw new TypeError(`${colour} is no colour: expected "#rrggbb" or [red, green, blue]`);
  const number = Number.parseInt(digits, 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
};

export class EdgeMap {
  /** @param {{data: Uint8Array | Float32Array, width: number, height: number, ms: number}} parts */
  constructor({ data, width, height, ms, sourceWidth = width, sourceHeight = height, detail = 0 }) {
    this.width = width;
    this.height = height;
    this.data = data;
    this.sourceWidth = sourceWidth;
    this.sourceHeight = sourceHeight;
    this.detail = detail;
    this.ms = ms;
  }

  /** The map as a picture: edges of one colour, on another or on nothing. */
  toImageData({ colour = "#ffffff", background = "#000000", alpha = false } = {}) {
    const { width, height, data } = this;
    const scale = data instanceof Float32Array ? 255 : 1;
    const fore = channels(colour);
    const back = channels(background);
    // A picture of 256 colours: one table, one look-up for a pixel.
    const table = new Uint32Array(256);
    const bytes = new Uint8Array(table.buffer);
    for (let value = 0; value < 256; value++) {
      for (let channel = 0; channel < 3; channel++) {
        const mixed = alpha ? fore[channel] : back[channel] + ((fore[channel] - back[channel]) * value) / 255;
        bytes[4 * value + channel] = Math.round(mixed);
      }
      bytes[4 * value + 3] = alpha ? value : 255;
    }
    const image = new ImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    for (let at = 0; at < pixels.length; at++) pixels[at] = table[(data[at] * scale) | 0];
    return image;
  }

  /** The map as a file, PNG by default. */
  async toBlob({ type = "image/png", ...picture } = {}) {
    const canvas = new OffscreenCanvas(this.width, this.height);
    canvas.getContext("2d").putImageData(this.toImageData(picture), 0, 0);
    return canvas.convertToBlob({ type });
  }
}
