// Numbers as a person reads them; the twin of model/units.py for what charts write themselves.

const SIZES = [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]];

export function size(bytes) {
  for (const [unit, name] of SIZES) {
    if (Math.abs(bytes) >= unit * 0.9995) return `${short(bytes / unit)} ${name}`;
  }
  return `${Math.round(bytes)} B`;
}

// The ticks of one axis, all in one unit and with as many decimals as tell them apart.
export function sizes(ticks) {
  const most = Math.max(...ticks.map(Math.abs));
  const [unit, name] = SIZES.find(([one]) => most >= one) || [1, "B"];
  const step = Math.abs(ticks[1] - ticks[0]) / unit || 1;
  const decimals = Math.max(0, Math.min(3, Math.ceil(-Math.log10(step) - 0.001)));
  return ticks.map((tick) => `${(tick / unit).toFixed(decimals)} ${name}`);
}

export function count(number) {
  return Math.round(number).toLocaleString("en-US");
}

// Today's moments by the time alone, others with their day; always in the reader's time zone.
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
