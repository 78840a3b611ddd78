// How well predictions agree with the truth: the same definitions as SciPy's, in double precision.

const NORMAL = 1.959963984540054; // the 97.5% point of the standard normal distribution

export function mean(values) {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total / values.length;
}

/** Sums of squares and of products about the means. */
function moments(x, y) {
  const mx = mean(x), my = mean(y);
  let xx = 0, xy = 0, yy = 0;
  for (let i = 0; i < x.length; i++) {
    const a = x[i] - mx, b = y[i] - my;
    xx += a * a;
    xy += a * b;
    yy += b * b;
  }
  return { mx, my, xx, xy, yy };
}

/** Pearson's correlation; null where it is not defined. */
export function pearson(x, y) {
  if (x.length < 2) return null;
  const { xx, xy, yy } = moments(x, y);
  return xx > 0 && yy > 0 ? Math.max(-1, Math.min(1, xy / Math.sqrt(xx) / Math.sqrt(yy))) : null;
}

/** Ranks from 1, ties at their mean: places in the sorted values, found by halving. */
export function ranks(values) {
  const n = values.length, sorted = Float64Array.from(values).sort(), ranked = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    // Places first … last − 1 hold this value.
    const first = bound(sorted, values[i], false), last = sorted[first + 1] === values[i] ? bound(sorted, values[i], true) : first + 1;
    ranked[i] = (first + last + 1) / 2;
  }
  return ranked;
}

/** How many sorted values are smaller than one, or not larger. */
function bound(sorted, value, equalToo) {
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value || (equalToo && sorted[middle] === value)) low = middle + 1; else high = middle;
  }
  return low;
}

export function spearman(x, y) {
  return x.length < 2 ? null : pearson(ranks(x), ranks(y));
}

/** The least-squares line of y on x; null where x does not vary. */
export function line(x, y) {
  if (x.length < 2) return { slope: null, intercept: null };
  const { mx, my, xx, xy } = moments(x, y);
  return xx > 0 ? { slope: xy / xx, intercept: my - (xy / xx) * mx } : { slope: null, intercept: null };
}

/** Fisher's 95% interval of a correlation of n independent pairs. */
export function fisher(r, n) {
  if (r === null) return [null, null];
  if (n <= 3) return [-1, 1];
  if (Math.abs(r) === 1) return [r, r];
  const half = NORMAL / Math.sqrt(n - 3), z = Math.atanh(r);
  return [Math.tanh(z - half), Math.tanh(z + half)];
}

/** Everything that is shown of some pairs. `groups` says which test point of which network each belongs to. */
export function summary(x, y, groups) {
  const r = pearson(x, y), rho = spearman(x, y);
  return {
    n: x.length,
    pearson: r, pearson_interval: fisher(r, x.length),
    spearman: rho, spearman_interval: fisher(rho, x.length),
    spearman_over_tests: meanOverGroups(x, y, groups),
    ...line(x, y),
  };
}

/** The mean of Spearman's correlation over test points that have three pairs or more; null where there is none. */
function meanOverGroups(x, y, groups) {
  const members = new Map();
  for (let i = 0; i < x.length; i++) {
    const list = members.get(groups[i]);
    if (list) list.push(i); else members.set(groups[i], [i]);
  }
  const found = [];
  for (const list of members.values()) {
    if (list.length < 3) continue;
    const rho = spearman(Float64Array.from(list, (i) => x[i]), Float64Array.from(list, (i) => y[i]));
    if (rho !== null) found.push(rho);
  }
  return found.length ? mean(found) : null;
}
