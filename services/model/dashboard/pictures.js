// SPDX-License-Identifier: GPL-3.0-or-later
// Small pictures: SVG elements made one by one, so that nothing is ever parsed as markup.

const NAMESPACE = "http://www.w3.org/2000/svg";

export function draw(tag, attributes = {}, children = []) {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function write(text, attributes) {
  const element = draw("text", attributes);
  element.textContent = text;
  return element;
}

// For pictures beside the words that say the same.
export function silent(width, height, children) {
  return draw("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", focusable: "false" }, children);
}

// Round numbers from `low` to `high`, about `count` of them.
export function ticks(low, high, count = 5) {
  const rough = (high - low) / count || 1, size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * size).find((s) => s >= rough);
  const found = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step / 1e6; v += step) found.push(Math.abs(v) < step / 1e6 ? 0 : v);
  return found;
}
