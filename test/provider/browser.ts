/** A person's browser, as far as pages without scripts need one: it keeps cookies by path, follows redirects, and fills in forms. */
export interface Page {
  readonly url: string;
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

export interface Browser {
  open(url: string): Promise<Page>;
  /** Sends the page's form that has these fields or buttons, with what else stands in it. */
  submit(page: Page, fields: Record<string, string>, form?: string): Promise<Page>;
}

interface Cookie {
  name: string;
  value: string;
  path: string;
  origin: string;
}

export function openBrowser(): Browser {
  const cookies: Cookie[] = [];
  const keep = (origin: string, headers: Headers) => {
    for (const line of headers.getSetCookie()) {
      const [pair = "", ...attributes] = line.split(";").map((part) => part.trim());
      const [name = "", value = ""] = pair.split(/=(.*)/s);
      const path = attributes.find((part) => /^path=/i.test(part))?.slice(5) ?? "/";
      const at = cookies.findIndex((one) => one.name === name && one.path === path);
      if (at >= 0) cookies.splice(at, 1);
      if (value !== "") cookies.push({ name, value, path, origin });
    }
  };
  const request = async (url: string, init: RequestInit = {}): Promise<Page> => {
    let [at, options] = [url, init];
    for (let hop = 0; hop < 12; hop += 1) {
      const { origin, pathname } = new URL(at);
      const sent = cookies.filter((one) => one.origin === origin && pathname.startsWith(one.path));
      const headers = new Headers(options.headers);
      headers.set("cookie", sent.map(({ name, value }) => `${name}=${value}`).join("; "));
      const response = await fetch(at, { ...options, headers, redirect: "manual" });
      keep(origin, response.headers);
      const location = response.headers.get("location");
      if (location === null || response.status < 300 || response.status > 399) {
        const text = await response.text();
        return { url: at, status: response.status, text, headers: response.headers };
      }
      await response.body?.cancel();
      at = new URL(location, at).href;
      options = {};
    }
    throw new Error("it goes round in circles");
  };
  return {
    open: (url) => request(url),
    submit: (page, fields, form = "") => {
      const forms = [...page.text.matchAll(/<form([^>]*)>(.*?)<\/form>/gs)];
      const [, attributes = "", inside = ""] =
        forms.find(
          ([whole]) =>
            Object.keys(fields).every((name) => whole.includes(`name="${name}"`)) &&
            whole.includes(form),
        ) ?? [];
      if (attributes === "" && inside === "") throw new Error(`no such form on: ${page.text}`);
      const body = new URLSearchParams();
      for (const [tag] of inside.matchAll(/<input[^>]*type="hidden"[^>]*>/g)) {
        const name = /name="([^"]*)"/.exec(tag)?.[1] ?? "";
        body.set(name, /value="([^"]*)"/.exec(tag)?.[1] ?? "");
      }
      for (const [name, value] of Object.entries(fields)) body.set(name, value);
      const action = /action="([^"]*)"/.exec(attributes)?.[1] ?? page.url;
      return request(new URL(action, page.url).href, { method: "POST", body });
    },
  };
}
