/** The extensions that can be registered, and what a year of each costs in US dollars: exact decimal text, never a float. */
export interface Extension {
  readonly extension: string;
  readonly price: string;
}

export const EXTENSIONS: readonly Extension[] = [
  { extension: "com", price: "10.44" },
  { extension: "net", price: "11.84" },
  { extension: "org", price: "10.11" },
  { extension: "dev", price: "12.18" },
  { extension: "app", price: "14.18" },
  { extension: "io", price: "50.00" },
  { extension: "co", price: "26.00" },
  { extension: "me", price: "15.00" },
  { extension: "xyz", price: "11.18" },
  { extension: "shop", price: "30.70" },
  { extension: "cafe", price: "34.20" },
  { extension: "coffee", price: "34.20" },
  { extension: "site", price: "28.20" },
  { extension: "online", price: "29.20" },
  { extension: "tech", price: "46.20" },
  { extension: "ai", price: "80.00" },
];
