// Numbers as a person reads them; the twin of model/units.py for what charts write themselves.

const SIZES = [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]];

export function size(bytes) {
  for (const [unit, name] of SIZES) {
    if (Math.abs(bytes) >= unit * 0.9995) return `${short(bytes / unit)} ${name}`;
  }
  return `${Math.round(bytes)} B`;
}

export function count(number) {
  return Math.round(number).toLocaleString("en-US");
}

export function moment(seconds) {
  return new Date(seconds * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });
}

function short(value) {
  return Math.abs(value) < 9.95 ? String(Number(value.toFixed(1))) : String(Math.round(value));
}
