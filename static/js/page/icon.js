// Icons of the page's own set, as templates/_icon.html draws them.
const SVG = "http://www.w3.org/2000/svg";

export function makeIcon(name) {
  const icon = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  for (const side of ["width", "height"]) icon.setAttribute(side, "24");
  icon.setAttribute("class", "icon");
  icon.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#icon-${name}`);
  icon.append(use);
  return icon;
}
