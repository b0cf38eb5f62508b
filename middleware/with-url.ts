/** A response that was made here says where it came from, as one of `fetch` does. */
export function withUrl(response: Response, url: string): Response {
  return Object.defineProperty(response, "url", { value: url, enumerable: true });
}
