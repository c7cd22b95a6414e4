export const PATIENCE = 15_000; // ms for an answer; the server itself gives up on its database after 5 s

/**
 * Do something that `signal` can stop, and stop it after some ms, so that a network that swallows
 * everything becomes an error; or before, with `stopped`. `AbortSignal.timeout` is of 2022.
 */
export async function within(milliseconds, act, stopped = null) {
  const controller = new AbortController();
  const stop = () => controller.abort();
  const timer = setTimeout(stop, milliseconds);
  stopped?.addEventListener("abort", stop);
  try {
    return await act(controller.signal);
  } finally {
    clearTimeout(timer);
    stopped?.removeEventListener("abort", stop);
  }
}
