// The entry of the second script, which hands its parts to the first.
import { arrive } from "./page/late.js";
import { ChatSearch } from "./chat/search.js";
import { Tools } from "./chat/tools.js";
import { FaceDialog } from "./files/face_dialog.js";
import { Gallery } from "./files/gallery.js";
import { Uploads } from "./files/uploads.js";

arrive({ ChatSearch, FaceDialog, Gallery, Tools, Uploads });
