// Formats numbers for charts, as model/units.py does for pages.

const SIZES = [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]];

export function size(bytes) {
  for (const [unit, name] of SIZES) {
    if (Math.abs(bytes) >= unit * 0.9995) return `${short(bytes / unit)} ${name}`;
  }
  return `${Math.round(bytes)} B`;
}

// Formats the ticks of an axis in one unit, with enough decimals to distinguish them.
export function sizes(ticks) {
  const most = Math.max(...ticks.map(Math.abs));
  const [unit, name] = SIZES.find(([least]) => most >= least) || [1, "B"];
  const step = Math.abs(ticks[1] - ticks[0]) / unit || 1;
  const decimals = Math.max(0, Math.min(3, Math.ceil(-Math.log10(step) - 0.001)));
  return ticks.map((tick) => `${(tick / unit).toFixed(decimals)} ${name}`);
}

export function count(number) {
  return Math.round(number).toLocaleString("en-US");
}

// Formats a time in the reader's time zone, with its date unless that is today.
export function moment(seconds) {
  const when = new Date(seconds * 1000);
  if (when.toDateString() === new Date().toDateString()) {
    return when.toLocaleTimeString([], { timeStyle: "medium" });
  }
  return when.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

function short(value) {
  return Math.abs(value) < 9.95 ? String(Number(value.toFixed(1))) : String(Math.round(value));
}
