// The dialog in which one's profile picture is chosen, cut and sent.
import { wordsOf } from "../api.js";
import { showOwnFace } from "../chat/faces.js";
import { uuid } from "../chat/uuid.js";
import { toast } from "../page/toast.js";
import { text } from "../strings.js";
import { pick } from "./choosing.js";
import { FaceStage } from "./face_stage.js";
import { Sending } from "./sending.js";

const SIDE = 512; // px that are sent: twice what is shown
const QUALITY = 0.92;
const PROCESSING = 40_000; // ms: the server answers within twenty seconds, done or not

export class FaceDialog {
  #api;
  #dialog = document.getElementById("face");
  #form = this.#dialog.querySelector("form");
  #part = (name) => document.getElementById(`face-${name}`);
  #stage;
  #sending = null;

  constructor(api) {
    this.#api = api;
    this.#stage = new FaceStage(this.#part("stage"), {
      canvases: [this.#part("picture"), this.#part("preview")],
      slider: this.#part("zoom"),
    });
  }

  connect() {
    this.#stage.connect();
    this.#part("choose").addEventListener("click", this.#onChoose);
    this.#part("camera").addEventListener("click", this.#onCamera);
    this.#part("camera").hidden = !matchMedia("(pointer: coarse)").matches;
    this.#part("cancel").addEventListener("click", this.#onCancel);
    this.#form.addEventListener("submit", this.#onSubmit);
    this.#dialog.addEventListener("close", this.#onClose);
  }

  disconnect() {
    if (this.#dialog.open) this.#dialog.close();
    this.#onClose();
    this.#stage.disconnect();
    this.#part("choose").removeEventListener("click", this.#onChoose);
    this.#part("camera").removeEventListener("click", this.#onCamera);
    this.#part("cancel").removeEventListener("click", this.#onCancel);
    this.#form.removeEventListener("submit", this.#onSubmit);
    this.#dialog.removeEventListener("close", this.#onClose);
  }

  open() {
    if (this.#dialog.open) return;
    this.#stage.clear(); // of a picture that was decoded after the dialog was closed
    this.#show();
    this.#say("");
    this.#dialog.showModal();
    this.#part("choose").focus();
  }

  /** Close it; false if it is not open. */
  rest() {
    if (!this.#dialog.open) return false;
    this.#dialog.close();
    return true;
  }

  #onChoose = () => this.#choose({});
  #onCamera = () => this.#choose({ capture: "user" });

  async #choose(how) {
    const [file] = await pick({ accept: "image/*", multiple: false, ...how });
    if (!file || !this.#dialog.open) return;
    this.#say("");
    try {
      this.#stage.show(await createImageBitmap(file));
    } catch {
      this.#say(text("face_unreadable"), true);
    }
    this.#show();
    if (!this.#stage.isEmpty) this.#part("stage").focus();
  }

  /** Show what there is to do: choose, or cut what was chosen. */
  #show() {
    const { isEmpty } = this.#stage;
    this.#part("cutting").hidden = isEmpty;
    this.#part("choose").textContent = text(isEmpty ? "face_choose" : "face_choose_other");
    this.#form.querySelector("[type=submit]").disabled = isEmpty || this.#sending !== null;
  }

  #say(words, isBad = false) {
    const status = this.#part("status");
    status.textContent = words;
    status.hidden = !words;
    status.classList.toggle("bad", isBad);
  }

  #onCancel = () => this.#dialog.close();

  #onClose = () => {
    this.#sending?.stop();
    this.#sending = null;
    this.#stage.clear();
  };

  #onSubmit = async (event) => {
    event.preventDefault();
    if (this.#stage.isEmpty || this.#sending) return;
    const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
    this.#stage.draw(canvas);
    const file = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
    if (file && this.#dialog.open && !this.#sending) this.#send(file);
  };

  async #send(file) {
    const uploadId = uuid();
    const facts = { uploadId, name: "avatar.jpg", kind: "picture", file };
    const sending = new Sending(this.#api, facts, ({ trouble }) => this.#tell(sending, trouble));
    this.#sending = sending;
    this.#tell(sending);
    try {
      await sending.run();
      const asked = { upload: uploadId };
      const { avatar } = await this.#api.post("me/avatar/", asked, { patience: PROCESSING });
      showOwnFace(avatar);
      if (this.#sending !== sending) return;
      this.#dialog.close();
      toast(text("saved"));
    } catch (error) {
      // What stays there is swept after a day.
      this.#api.delete(`uploads/${uploadId}/`).catch(() => {});
      if (this.#sending !== sending) return; // cancelled
      this.#sending = null;
      this.#say(wordsOf(error), true);
      this.#show();
    }
  }

  #tell(sending, trouble) {
    if (this.#sending !== sending) return;
    this.#say(trouble ?? text("uploading"), Boolean(trouble));
    this.#show();
  }
}
