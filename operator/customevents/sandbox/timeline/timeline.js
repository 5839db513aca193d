// The timeline page: what the sandbox took, live.
//
// Data flows one way: the sandbox's events become rows (Timeline), the view says which of them are
// wanted (the address holds it), `select` makes of both what is to be seen, and the parts below draw
// that. Whatever an event holds is written by anybody, so it only ever becomes text: `element` makes
// no HTML, and the page's headers forbid it.

// ---- Words -------------------------------------------------------------------------------------

const SEVERITIES = ["error", "warning", "information"];
const SEVERITY_WORDS = { error: "Error", warning: "Warning", information: "Information" };

/** What of an event can be filtered; `general` is what an event is that names none. */
const FACETS = [
  { name: "type", title: "Event type", values: (row) => [row.type] },
  {
    name: "severity",
    title: "Severity",
    values: (row) => [row.severity],
    word: (value) => SEVERITY_WORDS[value],
  },
  { name: "cluster", title: "Cluster", values: (row) => row.clusters, general: "all clusters" },
  {
    name: "namespace",
    title: "Namespace",
    values: (row) => row.namespaces,
    general: "all namespaces",
  },
  {
    name: "service",
    title: "Service",
    values: (row) => row.services,
    general: "Cross-service event",
  },
];

/** How the endpoint can be broken; each is a fault as `PUT /sandbox/faults` takes it. */
const FAULTS = [
  {
    title: "Down",
    fault: { status: 503 },
    effect: "Answers 503. Events wait, and go out when it is mended.",
  },
  {
    title: "Unreachable",
    fault: { drop: "beforeReading" },
    effect: "Resets each connection. Events wait, as above.",
  },
  { title: "Slow", fault: { delaySeconds: 3 }, effect: "Takes 3 seconds for each answer." },
  {
    title: "Too many requests",
    fault: { status: 429, retryAfter: 10 },
    effect: "Answers 429 with Retry-After: 10.",
  },
  {
    title: "Wrong key",
    fault: { status: 403 },
    effect: "Answers 403. Events wait for a key that is taken.",
  },
  {
    title: "Lost answers",
    fault: { drop: "afterReading", accept: true },
    effect: "Takes the event, and never says so: what is sent again is here twice.",
  },
];

const SHOWN_VALUES = 8;
const BARS = 96;
const FIRST_PAGE = 100;
const NEXT_PAGES = 2000;
const MOST_ROWS = 50_000;
const SILENCE = 25_000; // milliseconds: a beat comes each ten seconds
const REDRAW = 150; // milliseconds between two drawings, at most, while events pour in

// ---- Text, time ----------------------------------------------------------------------------------

/** Control characters as their pictures: an escape sequence is to be seen, and to do nothing. */
function plain(text) {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, (found) =>
    found === "\u007f" ? "\u2421" : String.fromCharCode(0x2400 + found.charCodeAt(0)),
  );
}

/** An element. What it contains is elements and text, never HTML. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/** What somebody wrote: isolated, so that its direction turns nothing around it. */
function said(text, attributes = {}) {
  return element("bdi", { dir: "auto", ...attributes }, plain(text));
}

function ago(time, now) {
  const seconds = Math.max(0, Math.round((now - time) / 1000));
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

function exact(time) {
  return new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
}

function timeElement(time) {
  const iso = new Date(time).toISOString();
  return element("time", { datetime: iso, title: exact(time) }, ago(time, Date.now()));
}

const byId = (id) => document.getElementById(id);

function counted(number, noun) {
  return `${number.toLocaleString()} ${noun}${number === 1 ? "" : "s"}`;
}

// ---- Rows ----------------------------------------------------------------------------------------

function toRow(event) {
  const { body } = event;
  const { clusters = [], namespaces = [], servicesNames = [] } = body.scope ?? {};
  const details = Object.entries(body.details ?? {}).flat();
  const texts = [
    body.eventType,
    body.summary,
    ...clusters,
    ...namespaces,
    ...servicesNames,
    ...details,
  ];
  return {
    deliveryId: event.deliveryId,
    sequence: event.sequence,
    time: Date.parse(event.receivedAt),
    arrivals: [event.sequence],
    type: body.eventType,
    severity: body.severity ?? "information",
    summary: body.summary,
    clusters,
    namespaces,
    services: servicesNames,
    text: texts.join("\n").toLowerCase(),
  };
}

/** The newest rows that are known, newest first; what has the same delivery id is one row. */
class Timeline {
  rows = [];
  #byDelivery = new Map();

  /** Takes events in any order. */
  add(events) {
    for (const event of events) {
      const known = event.deliveryId && this.#byDelivery.get(event.deliveryId);
      if (known) this.#repeat(known, event);
      else this.#insert(toRow(event));
    }
    this.rows.sort((one, other) => other.sequence - one.sequence);
    for (const row of this.rows.splice(MOST_ROWS)) this.#byDelivery.delete(row.deliveryId);
  }

  #insert(row) {
    this.rows.push(row);
    if (row.deliveryId) this.#byDelivery.set(row.deliveryId, row);
  }

  #repeat(row, event) {
    row.arrivals.push(event.sequence);
    if (event.sequence < row.sequence) return;
    row.sequence = event.sequence;
    row.time = Date.parse(event.receivedAt);
  }
}

// ---- The view, which the address holds -----------------------------------------------------------

/** What an address says; it may have been typed, and what it cannot mean is left out. */
function readView(address) {
  const query = new URLSearchParams(address);
  const number = (name) =>
    /^[1-9][0-9]{0,14}$/.test(query.get(name)) ? Number(query.get(name)) : undefined;
  const marked = number("from") && number("to");
  return {
    search: query.get("q") ?? "",
    minutes: number("minutes"),
    from: marked && number("from"),
    to: marked && number("to"),
    event: number("event"),
    wanted: Object.fromEntries(FACETS.map(({ name }) => [name, new Set(query.getAll(name))])),
  };
}

function writeView(view) {
  const query = new URLSearchParams();
  if (view.search) query.set("q", view.search);
  for (const name of ["minutes", "from", "to"]) if (view[name]) query.set(name, view[name]);
  for (const { name } of FACETS) for (const value of view.wanted[name]) query.append(name, value);
  if (view.event) query.set("event", view.event);
  return `?${query}`;
}

function isFiltered(view) {
  return Boolean(view.search || isTimed(view) || FACETS.some(({ name }) => view.wanted[name].size));
}

function isTimed(view) {
  return Boolean(view.minutes || view.from);
}

/** The facet's values of a row; one that names none has the empty value. */
function valuesOf(facet, row) {
  const values = facet.values(row);
  return values.length ? values : [""];
}

function passes(facet, row, wanted) {
  return wanted.size === 0 || valuesOf(facet, row).some((value) => wanted.has(value));
}

function inTime(row, view, now) {
  if (view.minutes) return row.time >= now - view.minutes * 60_000;
  return !view.from || (row.time >= view.from && row.time < view.to);
}

/**
 * What is to be seen: `shown`, the rows; `dense`, those of any time; and for each facet the values
 * with how many rows they would leave under the other filters.
 */
function select(rows, view, now) {
  const search = view.search.trim().toLowerCase();
  const counts = Object.fromEntries(FACETS.map(({ name }) => [name, new Map()]));
  const count = (facet, row) => {
    for (const value of valuesOf(facet, row))
      counts[facet.name].set(value, (counts[facet.name].get(value) ?? 0) + 1);
  };
  const shown = [];
  const dense = [];
  for (const row of rows) {
    if (!row.text.includes(search)) continue;
    const failing = FACETS.filter((facet) => !passes(facet, row, view.wanted[facet.name]));
    if (failing.length === 0) dense.push(row);
    if (failing.length > 1 || !inTime(row, view, now)) continue;
    if (failing.length === 1) count(failing[0], row);
    else {
      shown.push(row);
      for (const facet of FACETS) count(facet, row);
    }
  }
  return { shown, dense, counts };
}

// ---- The page's state ----------------------------------------------------------------------------

const page = {
  timeline: new Timeline(),
  view: readView(location.search),
  selected: { shown: [], dense: [], counts: {} },
  active: undefined, // the row that the keyboard is on
  sandbox: undefined, // the state, as the stream tells it
  loaded: false,
  fault: "", // why there is nothing, if that is a fault
  unseen: 0,
  wide: new Set(), // facets of which all values are shown
};

/** Goes to another view; a step back in the browser comes back from it. */
function go(change, { replace = false } = {}) {
  page.view = { ...page.view, ...change };
  const address = writeView(page.view);
  if (replace) history.replaceState(null, "", address);
  else if (address !== (location.search || "?")) history.pushState(null, "", address);
  draw();
}

/** The same, to other filters: their newest event is what one wants to see. */
function filter(change, options) {
  byId("list").scrollTop = 0;
  page.unseen = 0;
  go(change, options);
}

let drawing = 0;

/** Draws soon, and not more often than can be looked at. */
function drawSoon() {
  if (!drawing) drawing = setTimeout(() => requestAnimationFrame(draw), REDRAW);
}

function draw() {
  clearTimeout(drawing);
  drawing = 0;
  const held = heldRow();
  page.selected = select(page.timeline.rows, page.view, Date.now());
  drawTools();
  drawFacets();
  drawStrip();
  drawInstead();
  if (held) hold(held);
  drawRows();
  drawPill();
}

// ---- Filters -------------------------------------------------------------------------------------

function drawTools() {
  const { shown } = page.selected;
  const { view } = page;
  const all = page.timeline.rows.length;
  byId("count").textContent =
    shown.length === all
      ? counted(all, "event")
      : `${shown.length.toLocaleString()} of ${counted(all, "event")}`;
  byId("clear").hidden = !isFiltered(view);
  if (document.activeElement !== byId("search")) byId("search").value = view.search;
  byId("period-own").hidden = !view.from;
  byId("period").value = view.from ? "own" : String(view.minutes ?? "");
}

/** Of each facet, its elements. They are kept: one that went between press and release would miss the click. */
const facetBoxes = new Map(FACETS.map((facet) => [facet, facetBox(facet)]));

function facetBox(facet) {
  const widen = () => {
    page.wide.add(facet.name);
    draw();
  };
  const legend = element("legend", {}, facet.title);
  return {
    element: element("fieldset", { class: "facet" }, legend),
    legend,
    more: element("button", { type: "button", click: widen }),
    labels: new Map(),
    order: [],
  };
}

function drawFacets() {
  for (const facet of FACETS) drawFacet(facet, facetBoxes.get(facet));
}

function drawFacet(facet, box) {
  const counts = page.selected.counts[facet.name];
  for (const value of page.view.wanted[facet.name]) if (!counts.has(value)) counts.set(value, 0); // to be left again
  box.order = orderedValues(facet, box, counts);
  const rest = counts.size - box.order.length;
  box.more.hidden = rest === 0;
  box.more.textContent = `${rest.toLocaleString()} more`;
  const children = [
    box.legend,
    ...box.order.map((value) => facetLabel(facet, box, value, counts.get(value))),
    box.more,
  ];
  const same =
    children.length === box.element.children.length &&
    children.every((child, index) => box.element.children[index] === child);
  if (!same) box.element.replaceChildren(...children);
}

/** The values that are shown, the most frequent first; nothing moves below the pointer. */
function orderedValues(facet, box, counts) {
  const held = box.element.matches(":hover") ? box.order.filter((value) => counts.has(value)) : [];
  const byCount = [...counts.keys()].sort(
    (one, other) => counts.get(other) - counts.get(one) || one.localeCompare(other),
  );
  const most = page.wide.has(facet.name) ? Infinity : SHOWN_VALUES;
  return [...new Set([...held, ...byCount])].filter(
    (value, index) => index < most || page.view.wanted[facet.name].has(value),
  );
}

function facetLabel(facet, box, value, count) {
  if (!box.labels.has(value)) box.labels.set(value, newFacetLabel(facet, value));
  const label = box.labels.get(value);
  label.querySelector("input").checked = page.view.wanted[facet.name].has(value);
  label.querySelector(".number").textContent = count.toLocaleString();
  return label;
}

function newFacetLabel(facet, value) {
  const text = value === "" ? (facet.general ?? "(empty)") : (facet.word?.(value) ?? value);
  return element(
    "label",
    { title: plain(text) },
    element("input", { type: "checkbox", change: () => toggle(facet.name, value) }),
    said(text, { class: value === "" ? "general" : "value" }),
    element("span", { class: "number" }),
  );
}

function toggle(name, value) {
  const values = new Set(page.view.wanted[name]);
  if (!values.delete(value)) values.add(value);
  filter({ wanted: { ...page.view.wanted, [name]: values } });
}

function clearFilters() {
  byId("search").value = "";
  filter({ ...readView(""), event: page.view.event });
}

// ---- The density strip ---------------------------------------------------------------------------

/** From when to when the strip goes: from the oldest row to now, and a minute at least. */
function span(rows, now) {
  const oldest = rows.at(-1)?.time ?? now;
  return { from: Math.min(oldest, now - 60_000), to: now };
}

/** For each interval, the number of rows of each severity. */
function density(rows, { from, to }) {
  const bars = Array.from({ length: BARS }, () => ({ error: 0, warning: 0, information: 0 }));
  for (const row of rows) {
    const at = Math.floor(((row.time - from) / (to - from)) * BARS);
    bars[Math.max(0, Math.min(BARS - 1, at))][row.severity] += 1;
  }
  return bars;
}

function rectangle(attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

let strip = { from: 0, to: 1 };

function drawStrip() {
  const { dense } = page.selected;
  const now = Date.now();
  strip = span(dense, now);
  const bars = density(dense, strip);
  const highest = Math.max(1, ...bars.map((bar) => bar.error + bar.warning + bar.information));
  const step = (strip.to - strip.from) / BARS;
  const rectangles = bars.flatMap((bar, index) =>
    barOf(bar, index, highest, isOutside(strip.from + index * step, step, now)),
  );
  byId("bars").replaceChildren(...rectangles);
  byId("bars").setAttribute("aria-label", stripInWords(dense));
  for (const [id, time] of [
    ["strip-from", strip.from],
    ["strip-to", strip.to],
  ]) {
    byId(id).textContent = dense.length ? ago(time, now).replace("just now", "now") : "";
    byId(id).title = exact(time);
  }
}

function isOutside(from, step, now) {
  const { view } = page;
  if (view.minutes) return from + step < now - view.minutes * 60_000;
  return Boolean(view.from) && (from + step <= view.from || from >= view.to);
}

function barOf(bar, index, highest, outside) {
  const width = 960 / BARS;
  let top = 100;
  return SEVERITIES.filter((severity) => bar[severity]).map((severity) => {
    const height = Math.max(4, (bar[severity] / highest) * 96);
    top -= height;
    return rectangle({
      class: outside ? `${severity} outside` : severity,
      x: index * width + 1,
      y: Math.max(0, top),
      width: width - 2,
      height,
    });
  });
}

function stripInWords(rows) {
  const parts = SEVERITIES.map((severity) => [
    rows.filter((row) => row.severity === severity).length,
    severity,
  ]);
  return `Events over time: ${parts.map(([count, severity]) => `${count} ${severity}`).join(", ")}`;
}

/** Marks a time between two places of the pointer; a click marks the bar that it is on. */
function brush(event) {
  const svg = byId("bars");
  const box = svg.getBoundingClientRect();
  const share = (at) => Math.max(0, Math.min(1, (at - box.left) / box.width));
  const began = share(event.clientX);
  const mark = rectangle({ class: "brush", y: 0, height: 100 });
  const ended = new AbortController();
  const move = (moved) => {
    const [from, to] = [began, share(moved.clientX)].sort((one, other) => one - other);
    mark.setAttribute("x", from * 960);
    mark.setAttribute("width", (to - from) * 960);
  };
  const end = ({ type, clientX }) => {
    ended.abort();
    mark.remove();
    if (type === "pointerup") narrow(began, share(clientX)); // and not what a scroll has cancelled
  };
  svg.setPointerCapture(event.pointerId);
  svg.append(mark);
  for (const [name, react] of [
    ["pointermove", move],
    ["pointerup", end],
    ["pointercancel", end],
  ]) {
    svg.addEventListener(name, react, { signal: ended.signal });
  }
}

function narrow(one, other) {
  const first = Math.floor(Math.min(one, other) * BARS);
  const last = Math.max(first + 1, Math.ceil(Math.max(one, other) * BARS));
  const step = (strip.to - strip.from) / BARS;
  filter({
    minutes: undefined,
    from: Math.floor(strip.from + first * step),
    to: Math.ceil(strip.from + last * step) + (last >= BARS ? 1 : 0), // with what is exactly at the end
  });
}

// ---- The list ------------------------------------------------------------------------------------

const drawn = new Map(); // row → its element, of those on the screen

function rowHeight() {
  return parseFloat(getComputedStyle(byId("list")).getPropertyValue("--row"));
}

/** The row that is on top, and its place, if the list is scrolled. */
function heldRow() {
  const { scrollTop } = byId("list");
  const index = Math.floor(scrollTop / rowHeight());
  return scrollTop > 0 ? { row: page.selected.shown[index], index } : undefined;
}

/** Keeps that row where it is, and counts what has come above it. */
function hold({ row, index }) {
  const { shown } = page.selected;
  const above = shown.indexOf(row) - index;
  if (above <= 0 || !row) return;
  sizeRows();
  byId("list").scrollTop += above * rowHeight();
  page.unseen += above;
}

function sizeRows() {
  byId("rows").style.height = `${page.selected.shown.length * rowHeight()}px`;
}

let drawnHeight; // of a row, when rows were drawn last

/** Draws the rows that can be seen, and a few around them. */
function drawRows() {
  const list = byId("list");
  const { shown } = page.selected;
  const height = rowHeight();
  sizeRows();
  if (drawnHeight && drawnHeight !== height) list.scrollTop *= height / drawnHeight; // what was read stays
  drawnHeight = height;
  const first = Math.max(0, Math.floor(list.scrollTop / height) - 4);
  const last = Math.min(shown.length, Math.ceil((list.scrollTop + list.clientHeight) / height) + 4);
  const now = Date.now();
  const visible = new Set(shown.slice(first, last));
  for (const [row, made] of drawn) {
    if (visible.has(row) && made.arrivals === row.arrivals.length) continue;
    made.element.remove();
    drawn.delete(row);
  }
  for (let index = first; index < last; index += 1)
    placeRow(shown[index], index, index - first, now);
  list.setAttribute("aria-rowcount", shown.length);
  markActive();
}

/** Puts a row at its place, among the others as well: they are read in the order in which they stand. */
function placeRow(row, index, position, now) {
  if (!drawn.has(row)) drawn.set(row, { element: rowElement(row), arrivals: row.arrivals.length });
  const made = drawn.get(row).element;
  const there = byId("rows").children[position];
  if (there !== made) byId("rows").insertBefore(made, there ?? null);
  made.style.top = `${index * drawnHeight}px`;
  made.setAttribute("aria-rowindex", index + 1);
  made.querySelector("time").textContent = ago(row.time, now);
  made.setAttribute("aria-selected", row.arrivals.includes(page.view.event));
}

function rowElement(row) {
  const cell = (name, ...children) =>
    element("div", { role: "gridcell", class: name }, ...children);
  const times = row.arrivals.length;
  const repeated =
    times > 1
      ? element("span", { class: "times", title: `Arrived ${times} times` }, `×${times}`)
      : undefined;
  const made = element(
    "div",
    { role: "row", class: "row", id: `row-${row.arrivals[0]}` },
    cell("when", timeElement(row.time)),
    cell("type", said(row.type, { title: plain(row.type) }), repeated),
    cell("cell-severity", severityElement(row.severity)),
    cell("summary", said(row.summary, { title: plain(row.summary) })),
    whereCell(cell, row),
  );
  made.addEventListener("click", () => {
    page.active = row;
    open(row);
  });
  return made;
}

function whereCell(cell, row) {
  const services = row.services.join(", ") || "Cross-service event";
  const place = [
    row.clusters.join(", ") || "all clusters",
    row.namespaces.join(", ") || "all namespaces",
  ];
  return cell(
    "where",
    said(services, { title: plain(services) }),
    said(place.join(" · "), { title: plain(place.join(" · ")) }),
  );
}

function severityElement(severity) {
  return element("span", { class: `severity ${severity}` }, SEVERITY_WORDS[severity]);
}

function markActive() {
  const list = byId("list");
  for (const [row, made] of drawn) made.element.classList.toggle("active", row === page.active);
  const active = drawn.get(page.active);
  if (active) list.setAttribute("aria-activedescendant", active.element.id);
  else list.removeAttribute("aria-activedescendant");
}

/** Moves the keyboard's row, and keeps it in sight. */
function moveTo(index) {
  const list = byId("list");
  const { shown } = page.selected;
  const height = rowHeight();
  const at = Math.max(0, Math.min(shown.length - 1, index));
  page.active = shown[at];
  if (!byId("drawer").hidden) open(page.active, { replace: true }); // it follows
  if (at * height < list.scrollTop) list.scrollTop = at * height;
  else if ((at + 1) * height > list.scrollTop + list.clientHeight)
    list.scrollTop = (at + 1) * height - list.clientHeight;
  drawRows();
}

let insteadShown; // so that it is drawn once: somebody may be marking its text

/** What stands where the list would be. */
function drawInstead() {
  const reason = insteadOf();
  byId("instead").hidden = reason === undefined;
  if (reason !== insteadShown && reason) byId("instead").replaceChildren(...INSTEAD[reason]());
  insteadShown = reason;
}

function insteadOf() {
  if (page.fault) return "fault";
  if (!page.loaded) return "loading";
  if (page.timeline.rows.length === 0) return "empty";
  return page.selected.shown.length === 0 ? "filtered" : undefined;
}

const INSTEAD = {
  fault: () => [
    element("h2", {}, "The sandbox does not answer"),
    element("p", {}, page.fault),
    element("button", { type: "button", click: start }, "Try again"),
  ],
  loading: () => [element("p", {}, "Loading")],
  empty: () => [
    element("h2", {}, "No event has arrived yet"),
    element("p", {}, "It appears here as soon as the operator posts it. To write the first one:"),
    element("pre", { tabindex: "0" }, FIRST_EVENT),
  ],
  filtered: () => [
    element("h2", {}, "No event is left by these filters"),
    element("button", { type: "button", click: clearFilters }, "Clear filters"),
  ],
};

const FIRST_EVENT = `kubectl create -f - <<END
apiVersion: customevents.dev/v1alpha1
kind: CustomEvent
metadata: {generateName: hello-}
spec:
  eventType: test
  summary: the first event
END`;

function drawPill() {
  const pill = byId("pill");
  pill.hidden = page.unseen === 0;
  pill.textContent = `${page.unseen.toLocaleString()} new`;
}

function toTop() {
  page.unseen = 0;
  byId("list").scrollTop = 0;
  drawRows();
  drawPill();
}

// ---- The drawer: one event -----------------------------------------------------------------------

function open(row, { focus = false, replace = false } = {}) {
  go({ event: row.sequence }, { replace });
  showDrawer({ focus });
}

/** Shows the event of the address, or closes the drawer. */
async function showDrawer({ focus = false } = {}) {
  const { event: sequence } = page.view;
  const drawer = byId("drawer");
  if (!sequence) {
    drawer.hidden = true;
    return;
  }
  showTrouble(false);
  const content = await drawerContent(sequence);
  if (page.view.event !== sequence) return; // another was opened in the meantime
  drawer.replaceChildren(...content);
  drawer.hidden = false;
  drawer.scrollTop = 0;
  if (focus) drawer.querySelector("button").focus();
}

async function drawerContent(sequence) {
  try {
    const response = await fetch(`events/${sequence}`);
    if (response.ok) return eventElements(await response.json());
    return gone("This event is not here (any more).");
  } catch {
    return gone("The sandbox does not answer.");
  }
}

function gone(words) {
  return [panelHeader(element("h2", {}, words), closeDrawer)];
}

function panelHeader(title, close) {
  const button = element("button", { type: "button", "aria-label": "Close", click: close }, "×");
  return element("header", {}, title, button);
}

function closeDrawer() {
  go({ event: undefined });
  showDrawer();
  byId("list").focus({ preventScroll: true });
}

function eventElements(event) {
  const { body } = event;
  const title = element(
    "div",
    {},
    severityElement(body.severity ?? "information"),
    element("h2", {}, said(body.eventType)),
  );
  return [
    panelHeader(title, closeDrawer),
    element("p", { class: "lead" }, said(body.summary)),
    timesSection(event),
    scopeSection(event),
    detailsSection(body.details ?? {}),
    sourceSection(event),
    copySection(body),
  ].filter((part) => part !== undefined);
}

function section(title, ...children) {
  return element("section", {}, element("h3", {}, title), ...children);
}

function pairs(entries) {
  return element(
    "dl",
    { class: "pairs" },
    ...entries.flatMap(([name, value]) => [
      element("dt", {}, said(name)),
      element("dd", {}, value),
    ]),
  );
}

function timesSection(event) {
  const occurred = Date.parse(event.body.details?.["customevents.dev/occurredAt"]);
  const entries = [
    ["Received", element("time", { datetime: event.receivedAt }, exact(event.receivedAt))],
  ];
  if (occurred)
    entries.unshift([
      "Happened",
      element("time", { datetime: new Date(occurred).toISOString() }, exact(occurred)),
    ]);
  const row = page.timeline.rows.find((each) => each.arrivals.includes(event.sequence));
  const others = row ? row.arrivals.length : 1;
  const repeated = `This event is here ${others} times, with the same delivery id: it was sent again after an answer that never came.`;
  return section(
    "When",
    pairs(entries),
    others > 1 ? element("p", { class: "wide" }, repeated) : undefined,
    others > 1 ? arrivals(row, event) : undefined,
  );
}

function arrivals(row, event) {
  const to = (sequence) => () => {
    go({ event: sequence });
    showDrawer({ focus: true });
  };
  const buttons = [...row.arrivals]
    .sort((one, other) => one - other)
    .map((sequence, index) =>
      element(
        "button",
        {
          type: "button",
          "aria-pressed": String(sequence === event.sequence),
          click: to(sequence),
        },
        `Arrival ${index + 1}`,
      ),
    );
  return element("div", { class: "actions" }, ...buttons);
}

function scopeSection({ body, reach, services }) {
  const { clusters = [], namespaces = [], servicesNames = [] } = body.scope ?? {};
  const named = (names, general) =>
    names.length ? said(names.join(", ")) : element("em", {}, general);
  return section(
    "Scope",
    element("p", { class: body.scope ? "" : "wide" }, said(reach)),
    pairs([
      ["Services", named(servicesNames, "not narrowed")],
      ["Namespaces", named(namespaces, "not narrowed")],
      ["Clusters", named(clusters, "not narrowed")],
    ]),
    ...landing(services),
  );
}

/** The services of the inventory that it lands on. */
function landing(services) {
  if (services === null) {
    return [
      element(
        "p",
        { class: "quiet" },
        "Which services that is, an inventory would say: PUT /sandbox/inventory.",
      ),
    ];
  }
  const title = element(
    "h3",
    {},
    services.length
      ? `It lands on ${counted(services.length, "service")}`
      : "It lands on no service",
  );
  if (services.length === 0) return [title];
  const items = services.map(({ cluster, namespace, service }) =>
    element(
      "li",
      {},
      said(service),
      element("div", { class: "quiet" }, said(`${cluster} · ${namespace}`)),
    ),
  );
  return [
    title,
    element("ul", { class: "services", tabindex: "0", "aria-label": "Services" }, ...items),
  ];
}

const OWN = "customevents.dev/";

function detailsSection(details) {
  const entries = Object.entries(details).filter(([name]) => !name.startsWith(OWN));
  if (entries.length === 0) return undefined;
  return section("Details", pairs(entries.map(([name, value]) => [name, said(value)])));
}

/** Which CustomEvent it was; what was filled in, and from where, stands in that one's status. */
function sourceSection(event) {
  const details = event.body.details ?? {};
  const source = details[`${OWN}source`];
  const entries = [];
  if (source) entries.push(["CustomEvent", said(source)]);
  if (event.deliveryId) entries.push(["Delivery id", said(event.deliveryId)]);
  if (entries.length === 0) return undefined;
  return section("Origin", pairs(entries), ...commandTo(source));
}

/** The lines that read the object; only of names that kubectl takes, as anybody may post. */
function commandTo(source) {
  const [, namespace, name] = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(source ?? "") ?? [];
  if (!name) return [];
  const read = `kubectl get cev -n ${namespace} ${name} -o`;
  const lines = [
    `${read} yaml`,
    "# what was filled in, and from where",
    `${read} jsonpath='{.status.resolved.sources}'`,
  ];
  return [element("pre", { tabindex: "0" }, lines.join("\n"))];
}

function copySection(body) {
  const copier = (title, text) =>
    element("button", { type: "button", click: (event) => copy(text, event.target) }, title);
  const actions = [
    copier("Copy as curl", asCurl(body)),
    copier("Copy as CustomEvent", asCustomEvent(body)),
  ];
  return element("section", {}, element("div", { class: "actions" }, ...actions));
}

function asCurl(body) {
  const quoted = JSON.stringify(body, null, 2).replaceAll("'", "'\\''");
  const address = new URL("mgmt/v1/events", location.href.split("?")[0]);
  return `curl ${address} -H "x-api-key: $KEY" -H 'Content-Type: application/json' -d '${quoted}'\n`;
}

/** The CustomEvent that would be sent as this body, as `customevents send --curl` makes it; JSON is YAML. */
function asCustomEvent(body) {
  const { clusters, namespaces, servicesNames } = body.scope ?? {};
  // What is not narrowed would be filled in, unless the level says otherwise.
  const level = clusters ? (namespaces ? undefined : "Cluster") : "Account";
  const own = Object.entries(body.details ?? {}).filter(([name]) => !name.startsWith(OWN));
  const spec = {
    eventType: body.eventType,
    summary: body.summary,
    severity: body.severity,
    scope: { level, clusters, namespaces, serviceNames: servicesNames },
    details: own.length ? Object.fromEntries(own) : undefined,
  };
  const lines = Object.entries(spec).filter(([, value]) => value !== undefined);
  return [
    "apiVersion: customevents.dev/v1alpha1",
    "kind: CustomEvent",
    "metadata: {generateName: copied-}",
    "spec:",
    ...lines.map(([name, value]) => `  ${name}: ${JSON.stringify(value)}`),
    "",
  ].join("\n");
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    const title = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = title), 1500);
  } catch {
    byId("to-copy-text").value = text;
    byId("to-copy").showModal();
    byId("to-copy-text").select();
  }
}

// ---- Trouble: faults, and what the API's documents leave open --------------------------------------

async function showTrouble(shown, { focus = false } = {}) {
  byId("trouble").hidden = !shown;
  byId("trouble-button").setAttribute("aria-expanded", String(shown));
  if (!shown) return;
  if (page.view.event) {
    go({ event: undefined });
    showDrawer();
  }
  const switches = await readSwitches();
  byId("trouble").replaceChildren(
    panelHeader(element("h2", {}, "Trouble"), () => closeTrouble()),
    endpointSection(),
    section(
      "Break the endpoint",
      lasting(),
      element("div", { class: "faults" }, ...FAULTS.map(faultButton)),
    ),
    element("section", { id: "answers" }),
    section("What the API's documents leave open", ...switches.map(switchElement)),
  );
  drawTrouble();
  if (focus) byId("trouble").querySelector("button").focus();
}

/** What can be switched, as the sandbox says. */
async function readSwitches() {
  try {
    return (await (await fetch("sandbox/behaviour")).json()).switches;
  } catch {
    return []; // that there is no connection stands above already
  }
}

/** How the endpoint is; the button stays the same one while requests pour in, else it would miss clicks. */
function endpointSection() {
  const mend = element(
    "button",
    { type: "button", id: "mend", click: () => ask("DELETE", "sandbox/faults") },
    "Mend",
  );
  return element(
    "section",
    {},
    element("p", { id: "condition", role: "status" }),
    element("div", { class: "actions" }, mend),
    element("p", { id: "refused", class: "failed", role: "alert" }),
  );
}

function closeTrouble() {
  showTrouble(false);
  byId("trouble-button").focus();
}

function lasting() {
  const options = [
    ["", "until it is mended"],
    ["1", "for the next request"],
    ["5", "for the next 5 requests"],
  ];
  return element(
    "select",
    { id: "lasting", "aria-label": "How long" },
    ...options.map(([value, text]) => element("option", { value }, text)),
  );
}

function faultButton({ title, fault, effect }) {
  const put = () => {
    const count = Number(byId("lasting").value);
    ask("PUT", "sandbox/faults", count ? { ...fault, count } : fault);
  };
  return element(
    "button",
    { type: "button", "data-fault": title, click: put },
    title,
    element("span", {}, effect),
  );
}

function switchElement({ name, title, values, source }) {
  const id = `switch-${name}`;
  const control = values
    ? element("select", { id }, ...values.map((value) => element("option", { value }, value)))
    : element("input", { id, type: "number", min: 1 });
  control.addEventListener("change", () =>
    putSwitch(name, values ? control.value : Number(control.value)),
  );
  return element(
    "div",
    { class: "switch" },
    element("label", { for: id }, title),
    control,
    element("small", {}, source),
  );
}

async function putSwitch(name, value) {
  const before = page.sandbox.behaviour;
  const behaviour = { ...before, [name]: value };
  page.sandbox.behaviour = behaviour; // what is switched next builds on it
  if (await ask("PUT", "sandbox/behaviour", behaviour)) return;
  page.sandbox.behaviour = before;
  drawSwitches();
}

/** Asks the sandbox to change, and shows why it has not; what it has done, the stream tells. */
async function ask(method, path, document) {
  const refused = await refusal(path, { method, body: document && JSON.stringify(document) });
  byId("refused").textContent = refused;
  return !refused;
}

async function refusal(path, request) {
  try {
    const response = await fetch(path, request);
    return response.ok ? "" : (await response.json()).message.join("; ");
  } catch {
    return "The sandbox does not answer.";
  }
}

/** Draws what changes while the panel is open. */
function drawTrouble() {
  const broken = (page.sandbox?.faults ?? []).length > 0;
  byId("trouble-button").toggleAttribute("data-broken", broken);
  if (byId("trouble").hidden || !page.sandbox || !byId("condition")) return;
  byId("condition").textContent = conditionInWords(page.sandbox.faults);
  byId("condition").className = broken ? "condition broken" : "condition";
  byId("mend").hidden = !broken;
  for (const button of byId("trouble").querySelectorAll("[data-fault]")) {
    button.setAttribute(
      "aria-pressed",
      String(page.sandbox.faults.some((fault) => nameOf(fault) === button.dataset.fault)),
    );
  }
  byId("answers").replaceChildren(...answersElements(page.sandbox));
  drawSwitches();
}

/** Sets the controls, but for one that somebody is at. */
function drawSwitches() {
  for (const [name, value] of Object.entries(page.sandbox.behaviour)) {
    const control = byId(`switch-${name}`);
    if (control && control !== document.activeElement) control.value = value;
  }
}

/** Which of ours a fault is, whatever the order of its keys. */
function nameOf({ count, ...fault }) {
  const text = (each) => JSON.stringify(Object.entries(each).sort());
  return FAULTS.find((each) => text(each.fault) === text(fault))?.title;
}

function conditionInWords(faults) {
  if (faults.length === 0) return "The endpoint works.";
  return faults.map(faultInWords).join(" Then: ");
}

function faultInWords(fault) {
  const { count, ...what } = fault;
  const words = nameOf(fault) ?? `Set by PUT /sandbox/faults: ${plain(JSON.stringify(what))}`;
  return `${words}, ${count ? `for ${counted(count, "more request")}` : "until it is mended"}.`;
}

function answersElements({ answers, recent, faults }) {
  const entries = Object.entries(answers);
  const since = faults.length ? "Answered since it was broken" : "Answered since it works";
  const table = element(
    "table",
    {},
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        ...["When", "Event", "Answer"].map((title) => element("th", { scope: "col" }, title)),
      ),
    ),
    element("tbody", {}, ...recent.map(requestRow)),
  );
  return [
    element("h3", {}, since),
    element(
      "p",
      {},
      entries.length
        ? entries
            .map(([answer, count]) => `${counted(count, "request")}: ${answerInWords(answer)}`)
            .join("; ")
        : "No request yet",
    ),
    ...(recent.length ? [element("h3", {}, "The last requests"), table] : []),
  ];
}

function answerInWords(answer) {
  const words = {
    waiting: "not answered yet",
    dropped: "connection reset",
    garbage: "garbage",
    abandoned: "the client left",
  };
  return words[answer] ?? String(answer);
}

function requestRow({ receivedAt, summary, answered, problems }) {
  const answer = [answerInWords(answered), ...problems].join(": ");
  return element(
    "tr",
    {},
    element("td", {}, timeElement(Date.parse(receivedAt))),
    element("td", {}, said(summary)),
    element("td", {}, said(answer)),
  );
}

// ---- Live ----------------------------------------------------------------------------------------

let stream;
let silence;
let attempt = 0;

/** Reads everything, the newest first, and then follows. */
async function start() {
  attempt += 1;
  const mine = attempt;
  stream?.close();
  try {
    const first = await eventsPage(`limit=${FIRST_PAGE}`);
    if (mine !== attempt) return;
    Object.assign(page, {
      timeline: new Timeline(),
      active: undefined,
      loaded: true,
      fault: "",
      unseen: 0,
    });
    drawn.forEach(({ element: made }) => made.remove());
    drawn.clear();
    page.timeline.add(first.events);
    draw();
    performance.mark("rows");
    showDrawer();
    follow(`${first.epoch}:${first.events[0]?.sequence ?? 0}`);
    await readOlder(first.next, mine);
  } catch (error) {
    if (mine === attempt) failed(error);
  }
}

async function eventsPage(query) {
  const response = await fetch(`events?order=newest&brief=true&${query}`);
  if (!response.ok) throw new Error(`It answered ${response.status}.`);
  return response.json();
}

async function readOlder(next, mine) {
  while (next && page.timeline.rows.length < MOST_ROWS) {
    const older = await eventsPage(`limit=${NEXT_PAGES}&before=${next}`);
    if (mine !== attempt) return;
    page.timeline.add(older.events);
    drawSoon();
    next = older.next;
  }
}

function failed(error) {
  page.fault = page.loaded
    ? ""
    : error instanceof TypeError
      ? "There is no connection to it."
      : error.message;
  live("lost");
  drawInstead();
  setTimeout(() => page.fault && start(), 2000);
}

/** Follows what arrives behind this place. A browser takes the stream up again at its last id. */
function follow(place) {
  stream?.close();
  stream = new EventSource(`sandbox/changes?after=${encodeURIComponent(place)}`);
  stream.place = place;
  mindSilence();
  stream.addEventListener("open", () => live("live"));
  stream.addEventListener("error", () => {
    live("lost");
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => follow(stream.place), 2000);
  });
  stream.addEventListener("events", (message) => {
    stream.place = message.lastEventId;
    arrived(JSON.parse(message.data));
  });
  stream.addEventListener("state", (message) => {
    page.sandbox = JSON.parse(message.data);
    live("live");
    drawTrouble();
  });
  stream.addEventListener("beat", () => live("live"));
  stream.addEventListener("reset", start);
}

function live(state) {
  const words = { live: "Live", lost: "No connection, trying again" };
  const place = byId("live");
  if (place.dataset.state !== state) {
    place.dataset.state = state;
    place.textContent = words[state];
  }
  if (state === "live") mindSilence();
}

/** A connection can die without a word; a beat that does not come tells. */
function mindSilence() {
  clearTimeout(silence);
  silence = setTimeout(() => {
    live("lost");
    follow(stream.place);
  }, SILENCE);
}

function arrived(events) {
  live("live");
  page.timeline.add(events);
  drawSoon();
}

// ---- Theme, help, keyboard -----------------------------------------------------------------------

const THEMES = ["system", "light", "dark"];

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = `Theme: ${theme}`;
  localStorage.setItem("theme", theme);
}

function nextTheme() {
  const now = THEMES.indexOf(document.documentElement.dataset.theme);
  setTheme(THEMES[(now + 1) % THEMES.length]);
}

function isTyping(target) {
  return (
    target.matches("input:not([type=checkbox]), select, textarea") ||
    Boolean(target.closest("dialog"))
  );
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") escape();
  else if (isTyping(event.target) || !byId("shortcuts").checked) return;
  else if (event.key === "/") byId("search").focus();
  else if (event.key === "?") byId("help").showModal();
  else return;
  if (event.key !== "Escape") event.preventDefault();
}

function escape() {
  if (document.querySelector("dialog[open]")) return; // the browser closes it
  if (!byId("trouble").hidden) closeTrouble();
  else if (!byId("drawer").hidden) closeDrawer();
  else byId("list").focus({ preventScroll: true });
}

function onListKey(event) {
  const { shown } = page.selected;
  const at = shown.indexOf(page.active);
  const pageful = Math.max(1, Math.floor(byId("list").clientHeight / rowHeight()) - 1);
  const targets = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    PageDown: at + pageful,
    PageUp: at - pageful,
    Home: 0,
    End: shown.length - 1,
  };
  if (event.key in targets && shown.length) moveTo(targets[event.key]);
  else if (event.key === "Enter" && page.active) open(page.active, { focus: true });
  else return;
  event.preventDefault();
}

// ---- Begin ---------------------------------------------------------------------------------------

function listen() {
  let typed;
  byId("search").addEventListener("input", (event) => {
    clearTimeout(typed);
    typed = setTimeout(() => filter({ search: event.target.value }, { replace: true }), 80);
  });
  byId("period").addEventListener("change", ({ target }) =>
    filter({ minutes: Number(target.value) || undefined, from: undefined, to: undefined }),
  );
  byId("clear").addEventListener("click", clearFilters);
  byId("bars").addEventListener("pointerdown", brush);
  byId("pill").addEventListener("click", toTop);
  byId("list").addEventListener("scroll", () => {
    if (byId("list").scrollTop === 0) page.unseen = 0;
    requestAnimationFrame(() => {
      drawRows();
      drawPill();
    });
  });
  byId("list").addEventListener("keydown", onListKey);
  byId("trouble-button").addEventListener("click", () =>
    showTrouble(byId("trouble").hidden, { focus: true }),
  );
  byId("theme").addEventListener("click", nextTheme);
  byId("help-button").addEventListener("click", () => byId("help").showModal());
  byId("shortcuts").checked = localStorage.getItem("shortcuts") !== "off";
  byId("shortcuts").addEventListener("change", ({ target }) =>
    localStorage.setItem("shortcuts", target.checked ? "on" : "off"),
  );
  document.addEventListener("keydown", onKey);
  new ResizeObserver(drawRows).observe(byId("list"));
  window.addEventListener("popstate", () => {
    page.view = readView(location.search);
    draw();
    showDrawer();
  });
  setInterval(draw, 10_000); // relative times go on
}

setTheme(localStorage.getItem("theme") ?? "system");
const small = matchMedia("(max-width: 820px)");
const openFilters = () => (byId("filters").open = !small.matches);
small.addEventListener("change", openFilters);

byId("facets").append(...[...facetBoxes.values()].map((box) => box.element));
start(); // it asks first, and what follows happens while it waits
openFilters();
listen();
draw();
