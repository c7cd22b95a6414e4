import { test } from "node:test";

for (const entry of ["app", "card"]) {
  test(`every script loads, and finds what it imports: ${entry}`, () =>
    import(`../../static/js/${entry}.js`));
}
