// The square that is cut out of a picture: its middle in the picture's pixels, and how large it is.
export const LARGEST = 8; // times

/**
 * A square in a picture of some width and height: {width, height, x, y, zoom}; x and y are its
 * middle, and at a zoom of 1 it is as large as it can be.
 */
export function largest({ width, height }) {
  return { width, height, x: width / 2, y: height / 2, zoom: 1 };
}

/** The length of its side in pixels. */
export function sideOf({ width, height, zoom }) {
  return Math.min(width, height) / zoom;
}

/** The same square moved by parts of its own side. */
export function moved(square, across, down) {
  const side = sideOf(square);
  return within({ ...square, x: square.x + across * side, y: square.y + down * side });
}

/**
 * The square at another zoom. What is at a point of it, in parts of its side from its middle,
 * stays there.
 */
export function zoomed(square, zoom, across = 0, down = 0) {
  const next = { ...square, zoom: Math.min(LARGEST, Math.max(1, zoom)) };
  const less = sideOf(square) - sideOf(next);
  return within({ ...next, x: square.x + across * less, y: square.y + down * less });
}

/** Where it begins and how long its side is: what a canvas draws. */
export function boxOf(square) {
  const side = sideOf(square);
  return { left: square.x - side / 2, top: square.y - side / 2, side };
}

function within(square) {
  const half = sideOf(square) / 2;
  const between = (value, length) => Math.min(length - half, Math.max(half, value));
  return { ...square, x: between(square.x, square.width), y: between(square.y, square.height) };
}
