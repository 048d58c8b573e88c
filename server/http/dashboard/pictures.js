// Images of the user's as a model wants them.

// Whether a PNG is as it has to be, of `type` grey (0) or RGB (2) in its header.
function isPngOf(bytes, channels, width, height) {
  const view = new DataView(bytes.buffer);
  return bytes.length > 33 && view.getUint32(0) === 0x89504e47 && view.getUint32(16) === width &&
    view.getUint32(20) === height && bytes[25] === (channels === 1 ? 0 : 2);
}

export function base64(bytes) {
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}

const LUMA = [0.299, 0.587, 0.114];

// A file cut to the model's ratio around its middle, and brought to its size.
export class Picture {
  static async of(file, [channels, height, width]) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    let bitmap;
    try {
      bitmap = await createImageBitmap(file);
    } catch {
      throw new Error(`${file.name} is no image that the browser can read`);
    }
    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext('2d', {willReadFrequently: true});
    const scale = Math.max(width / bitmap.width, height / bitmap.height);
    const w = width / scale, h = height / scale;
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, (bitmap.width - w) / 2, (bitmap.height - h) / 2, w, h, 0, 0, width, height);
    const picture = new Picture();
    picture.name = file.name;
    picture.canvas = canvas;
    picture.channels = channels;
    picture.png = isPngOf(bytes, channels, width, height) ? bytes : null;
    picture.note = bitmap.width === width && bitmap.height === height ? '' :
      `${bitmap.width} x ${bitmap.height}, cut and brought to ${width} x ${height}`;
    return picture;
  }
  // 8-bit values [C, H, W].
  values() {
    const {width, height} = this.canvas;
    const rgba = this.canvas.getContext('2d').getImageData(0, 0, width, height).data;
    const size = width * height;
    const values = new Uint8Array(this.channels * size);
    for (let i = 0; i < size; ++i) {
      const rgb = rgba.subarray(4 * i, 4 * i + 3);
      if (this.channels === 1) {
        values[i] = Math.round(LUMA[0] * rgb[0] + LUMA[1] * rgb[1] + LUMA[2] * rgb[2]);
      } else {
        for (let c = 0; c < 3; ++c) values[c * size + i] = rgb[c];
      }
    }
    return values;
  }
}

// `Images` of the API: the files themselves where they are as they have to be.
export function imagesOf(pictures, shape) {
  if (pictures.length && pictures.every(picture => picture.png)) {
    return {encoded: {files: pictures.map(picture => base64(picture.png))}};
  }
  const size = shape.reduce((product, side) => product * side, 1);
  const data = new Uint8Array(Math.max(1, pictures.length) * size).fill(128);  // grey, where there is none
  pictures.forEach((picture, i) => data.set(picture.values(), i * size));
  return {tensor: {data_type: 'UINT8', shape: [Math.max(1, pictures.length), ...shape], data: base64(data)}};
}
