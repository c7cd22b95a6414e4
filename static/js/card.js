// The entry of the pages outside the chat: log-in, registration, first steps.
import { forget, forgetOthers } from "./page/memory.js";
import { sendOnce } from "./page/once.js";
import { watchCountdown, watchNames, watchRedirect } from "./page/register.js";

if (document.body.dataset.userId) forgetOthers();
else forget();
watchNames(document.getElementById("register"));
watchCountdown(document.querySelector("[data-countdown]"));
watchRedirect(document.querySelector("[data-redirect]"));
sendOnce();
