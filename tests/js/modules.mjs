// Let node read our scripts as the ES modules that they are, without a package.json that says so.
export function load(url, context, next) {
  return next(url, url.endsWith(".js") ? { ...context, format: "module" } : context);
}
