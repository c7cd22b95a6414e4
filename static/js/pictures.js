// The pictures of a class: looked through, made small, and sent one by one. A plain script, run once.
"use strict";
{
  const SIDE = 512; // px that are sent: twice what is shown
  const AT_ONCE = 500; // names in one look
  const PATIENCE = 60_000; // ms: each is drawn in a process of its own
  const form = document.getElementById("pictures");
  const [input, replace] = [form.elements.file, form.elements.replace];
  const button = form.querySelector("[type=submit]");
  const found = document.getElementById("pictures-found");
  const status = document.getElementById("pictures-status");
  let chosen = []; // {file, row, isGood, isSent}
  let looks = 0;

  const ask = async (fill) => {
    const data = new FormData();
    data.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    if (replace.checked) data.set("replace", "on");
    fill(data);
    const headers = { Accept: "application/json" };
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), PATIENCE);
    try {
      const { signal } = abort;
      const response = await fetch(location.href, { method: "POST", body: data, headers, signal });
      if (!response.ok) throw new Error(response.status);
      return (await response.json()).outcomes;
    } finally {
      clearTimeout(timer);
    }
  };

  const show = ({ row }, words, isGood) => {
    row.classList.toggle("is-wrong", !isGood);
    row.cells[1].textContent = words;
  };

  const isLeft = ({ isGood, isSent }) => isGood && !isSent;

  const makeRow = (name) => {
    const row = document.createElement("tr");
    const [first, second] = [document.createElement("td"), document.createElement("td")];
    const shown = document.createElement("bdi");
    shown.textContent = name;
    first.append(shown);
    row.append(first, second);
    return row;
  };

  /** Tell whose pictures they are, before anything is sent. */
  const look = async () => {
    const mine = ++looks;
    chosen = [...input.files].map((file) => ({ file, row: makeRow(file.name), isGood: false }));
    found.querySelector("tbody").replaceChildren(...chosen.map(({ row }) => row));
    found.hidden = !chosen.length;
    status.textContent = "";
    button.disabled = true;
    try {
      for (let start = 0; start < chosen.length; start += AT_ONCE) {
        const part = chosen.slice(start, start + AT_ONCE);
        const outcomes = await ask((data) => {
          data.set("look", "1");
          for (const { file } of part) data.append("name", file.name);
        });
        if (mine !== looks) return;
        part.forEach((picture, at) => {
          picture.isGood = outcomes[at].is_good;
          show(picture, outcomes[at].words, picture.isGood);
        });
      }
      button.disabled = !chosen.some(isLeft);
    } catch {
      if (mine !== looks) return;
      status.textContent = form.dataset.failed;
      input.value = ""; // so that the same files are another choice
    }
  };

  /** The square in the middle; what is transparent is white. */
  const cut = async (file) => {
    const picture = await createImageBitmap(file);
    const side = Math.min(picture.width, picture.height);
    const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.fillStyle = "#fff";
    context.fillRect(0, 0, SIDE, SIDE);
    const [left, top] = [(picture.width - side) / 2, (picture.height - side) / 2];
    context.drawImage(picture, left, top, side, side, 0, 0, SIDE, SIDE);
    picture.close();
    return await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));
  };

  const send = async (picture) => {
    let small;
    try {
      small = await cut(picture.file);
    } catch {
      picture.isGood = false;
      show(picture, form.dataset.unreadable, false);
      return;
    }
    const [outcome] = await ask((data) => data.set("file", small, picture.file.name));
    picture.isSent = outcome.is_good;
    show(picture, outcome.words, outcome.is_good);
  };

  input.addEventListener("change", look);
  replace.addEventListener("change", look);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    [button.disabled, input.disabled, replace.disabled] = [true, true, true];
    const left = chosen.filter(isLeft);
    try {
      for (const [number, picture] of left.entries()) {
        status.textContent = `${number + 1} / ${left.length}`;
        await send(picture);
      }
      status.textContent = `✓ ${left.filter(({ isSent }) => isSent).length} / ${left.length}`;
    } catch {
      status.textContent = form.dataset.failed;
    }
    [input.disabled, replace.disabled] = [false, false];
    button.disabled = !chosen.some(isLeft);
  });
  if (input.files.length) look(); // chosen before, as a browser remembers it
}
