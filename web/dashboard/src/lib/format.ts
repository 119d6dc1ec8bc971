const number = new Intl.NumberFormat("en");
const fraction = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 2 });

/** Returns a count with separators. */
export const count = (value: number | bigint | string) => number.format(typeof value === "string" ? BigInt(value) : value);

/** Returns a number with two digits after the point at most. */
export const decimal = (value: number) => fraction.format(value);

/** Returns a share of 1 as a percentage. */
export const share = (value: number) => percent.format(value);

/** Returns a time in milliseconds with its unit. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${milliseconds < 10 ? decimal(milliseconds) : Math.round(milliseconds)} ms`;
  if (milliseconds < 90_000) return `${(milliseconds / 1_000).toFixed(1)} s`;
  if (milliseconds < 5_400_000) return `${Math.round(milliseconds / 60_000)} min`;
  return milliseconds < 172_800_000 ? `${Math.round(milliseconds / 3_600_000)} h` : `${Math.round(milliseconds / 86_400_000)} days`;
}

/** Returns lamports in SOL, with six digits after the point or fewer. */
export function sol(lamports: string | bigint, places = 6): string {
  const value = BigInt(lamports);
  const digits = (value < 0n ? -value : value).toString().padStart(10, "0");
  const part = digits.slice(-9).slice(0, places);
  return `${value < 0n ? "−" : ""}${number.format(BigInt(digits.slice(0, -9)))}.${part} SOL`;
}

/** Returns a moment in Unix seconds as the reader's date and time. */
export const moment = (seconds: number) => new Date(seconds * 1_000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** Returns the date of a moment in Unix seconds, in UTC: rollups have days in UTC. */
export const day = (seconds: number) => new Date(seconds * 1_000).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

/** Returns the hour of a moment in Unix seconds, in UTC. */
export const hour = (seconds: number) => new Date(seconds * 1_000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });

/** Returns a time with seconds. */
export const clock = (milliseconds: number) => new Date(milliseconds).toLocaleTimeString("en-GB");

/** Returns the beginning and the end of an address. */
export const short = (text: string) => (text.length > 12 ? `${text.slice(0, 4)}…${text.slice(-4)}` : text);
