// The images, sounds and files that go with a message. They stay in memory: a browser's storage is too small.

import { button, h } from "./dom.js";
import { t } from "./texts.js";

/** So many bytes may go with a message, since the host takes bodies of 32 MiB, and base64 adds a third. */
const MOST_BYTES = 20 * 1024 * 1024;
const SOUNDS = { mpeg: "mp3", "x-wav": "wav", wave: "wav", mp4: "m4a", "x-m4a": "m4a", "x-flac": "flac" };

/** The attachments of the next message. `target` takes files that are pasted or dropped. */
export function attachments({ target, onchange, onproblem }) {
  let list = [];
  const chips = h("ul", { class: "chips", hidden: true, "aria-label": t("attach.list") });
  const input = h("input", {
    type: "file",
    multiple: true,
    hidden: true,
    accept: "image/png,image/jpeg,image/webp,image/gif,audio/*,application/pdf,text/*",
  });
  const pick = button(t("attach"), () => input.click(), { class: "plain small" });

  async function add(files) {
    for (const file of files) {
      const size = list.reduce((all, one) => all + one.file.size, file.size);
      if (size > MOST_BYTES) {
        onproblem(t("attach.large", { name: file.name }));
        continue;
      }
      list.push({ file, url: await dataUrl(file) });
    }
    draw();
  }

  function draw() {
    chips.hidden = !list.length;
    chips.replaceChildren(
      ...list.map((one) =>
        h(
          "li",
          { class: "chip" },
          /^image\//.test(one.file.type) && h("img", { src: one.url, alt: "", class: "thumb" }),
          h("span", {}, one.file.name),
          button("×", () => ((list = list.filter((other) => other !== one)), draw()), {
            class: "plain icon",
            "aria-label": t("attach.remove", { name: one.file.name }),
          }),
        ),
      ),
    );
    onchange?.();
  }

  input.addEventListener("change", () => add([...input.files]).then(() => (input.value = "")));
  target.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) {
      event.preventDefault();
      void add(files);
    }
  });
  target.addEventListener("dragover", (event) => event.preventDefault());
  target.addEventListener("drop", (event) => {
    event.preventDefault();
    void add([...event.dataTransfer.files]);
  });

  return {
    chips,
    pick: h("span", {}, pick, input),
    /** The parts of the message, in the shape of chat completions. */
    parts: () => list.map(({ file, url }) => wirePart(file, url)),
    /** The same for a check, without the data. */
    sketch: () => list.map(({ file }) => wirePart(file, `data:${file.type};base64,AAAA`)),
    clear: () => ((list = []), draw()),
  };
}

const dataUrl = (file) =>
  new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });

const kindOf = (file) => /^(image|audio)\//.exec(file.type)?.[1] ?? "file";
const soundOf = (file) => {
  const format = file.type.split("/")[1].split(";")[0];
  return SOUNDS[format] ?? format;
};

/** A stored part that is no text, in the shape in which it is sent. */
export function asSent(part) {
  if (part.type === "image") return { type: "image_url", image_url: { url: part.url } };
  if (part.type === "audio")
    return { type: "input_audio", input_audio: { data: part.data, format: part.format } };
  if (part.type === "file" && part.data)
    return { type: "file", file: { filename: part.filename, file_data: part.data } };
  return part;
}

/** A part in the form in which the store has it. */
export function asStored(part) {
  if (part.type === "image_url") return { type: "image", url: part.image_url.url };
  if (part.type === "input_audio") return { type: "audio", ...part.input_audio };
  if (part.type === "file" && part.file)
    return { type: "file", filename: part.file.filename, data: part.file.file_data };
  return part;
}

function wirePart(file, url) {
  switch (kindOf(file)) {
    case "image":
      return { type: "image_url", image_url: { url } };
    case "audio":
      return { type: "input_audio", input_audio: { data: url.split(",")[1], format: soundOf(file) } };
    default:
      return { type: "file", file: { filename: file.name, file_data: url } };
  }
}

/** The parts of a message that are no text, as they are shown with it. They come as sent, or as stored. */
export const shownParts = (parts) =>
  (parts ?? [])
    .filter((part) => part.type !== "text")
    .map((part) => {
      const url = part.image_url?.url ?? (part.type === "image" ? part.url : undefined);
      if (url && /^data:image\//.test(url))
        return h("img", { src: url, alt: t("attach.image"), class: "sent" });
      const name = part.file?.filename ?? part.filename ?? url ?? part.type;
      return h("span", { class: "badge" }, name);
    });
