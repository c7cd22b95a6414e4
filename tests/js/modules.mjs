// Node reads our scripts as what they are, ES modules, without a package.json that would say so.
export function load(url, context, next) {
  return next(url, url.endsWith(".js") ? { ...context, format: "module" } : context);
}
