// The entry of the pages outside the chat: log-in, registration, first steps.
import { forget, forgetOthers } from "./page/memory.js";
import { watchMail } from "./page/mail_state.js";
import { sendOnce } from "./page/once.js";
import { watchCountdown, watchNames, watchRedirect } from "./page/register.js";

if (document.body.dataset.userId) forgetOthers();
else forget();
watchNames(document.getElementById("register"));
watchCountdown(document.querySelector("[data-countdown]"));
watchMail(document.querySelector("[data-mail-state]"));
watchRedirect(document.querySelector("[data-redirect]"));
sendOnce();
