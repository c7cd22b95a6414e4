// A file that is dropped beside its place must not take the place of the page.

export function hasFiles({ dataTransfer }) {
  return Boolean(dataTransfer?.types.includes("Files"));
}

/** What was dropped, as long as its event lasts: {files, hasFolder}, as no page can send a folder. */
export function readDrop({ items }) {
  const dropped = [...items].filter(({ kind }) => kind === "file");
  const isFolder = (item) => item.webkitGetAsEntry?.()?.isDirectory ?? false;
  const files = dropped.filter((item) => !isFolder(item)).map((item) => item.getAsFile());
  return { files: files.filter(Boolean), hasFolder: dropped.some(isFolder) };
}

export function guardDrops() {
  addEventListener("dragover", onDrag);
  addEventListener("drop", onDrag);
}

function onDrag(event) {
  if (event.defaultPrevented || !hasFiles(event)) return;
  if (event.target.closest?.("input[type=file]")) return; // it takes files by itself
  event.preventDefault();
  event.dataTransfer.dropEffect = "none";
}
