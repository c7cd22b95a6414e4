import { test } from "node:test";

test("every script loads, and finds what it imports", () => import("../../static/js/app.js"));
