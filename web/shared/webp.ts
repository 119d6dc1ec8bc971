/** The part of a page of Playwright that converts a picture. */
interface Converter {
  evaluate<A, R>(run: (argument: A) => R | Promise<R>, argument: A): Promise<R>;
}

/** Converts a PNG to WebP in a browser: it is a third as long. */
export async function toWebP(page: Converter, png: Buffer): Promise<Buffer> {
  const bytes = await page.evaluate(async (source) => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height);
    canvas.getContext("2d")!.drawImage(image, 0, 0);
    const blob = await canvas.convertToBlob({ type: "image/webp", quality: 0.86 });
    return Array.from(new Uint8Array(await blob.arrayBuffer()));
  }, `data:image/png;base64,${png.toString("base64")}`);
  return Buffer.from(bytes);
}
