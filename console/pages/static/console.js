// What is live in the console. Everything here only keeps figures fresh that the server wrote: without it, the pages read and
// work the same. Events tell how jobs stand; what they do not tell (charts, buttons, lists) comes as parts of the page.
"use strict";

(() => {
  const calm = 15_000; // between two fetches of parts, in milliseconds
  const soon = 400; // before a change of state is fetched: several come together
  const still = 60_000; // between two fetches of parts while nothing changes
  const longest = 30_000; // between two tries to connect
  const live = document.body.dataset.live;
  if (!live || !("EventSource" in window)) return;

  const partsFrom = document.querySelector("[data-parts]")?.dataset.parts ?? "";
  const offline = document.getElementById("offline");
  const news = document.getElementById("news");
  const asof = document.querySelector("[data-asof]");
  let source = null;
  let retryAfter = 1000;
  let retryTimer = 0;
  let partsTimer = 0;
  let partsAt = Date.now();
  let fetching = false;

  const number = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  const sum = (counts, states) => states.split(",").reduce((n, state) => n + (counts[state] ?? 0), 0);

  // share and moment write as the server does.
  const share = (n, of) => {
    const part = (100 * n) / Math.max(1, of);
    if (n > 0 && part < 0.05) return "<0.1%";
    if (n < of && part > 99.9) return ">99.9%";
    return n === 0 || n === of ? part.toFixed(0) + "%" : part.toFixed(1) + "%";
  };
  const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
  const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const two = (n) => String(n).padStart(2, "0");
  const moment = (text, offset) => {
    const at = new Date(Date.parse(text) + offset * 1000);
    const clock = two(at.getUTCHours()) + ":" + two(at.getUTCMinutes());
    return `${days[at.getUTCDay()]} ${at.getUTCDate()} ${months[at.getUTCMonth()]}, ${clock}`;
  };
  const put = (node, text) => {
    if (node.textContent !== text) node.textContent = text;
  };

  // show writes how a job stands wherever the page shows it. It tells whether anything changed that only parts can show.
  const show = (tick) => {
    const roots = document.querySelectorAll(`[data-job="${CSS.escape(tick.id)}"]`);
    let changed = roots.length === 0 && partsFrom === "/parts";
    for (const root of roots) {
      const counts = tick.counts ?? {};
      for (const node of root.querySelectorAll("[data-count]")) {
        const n = sum(counts, node.dataset.count);
        put(node, number(n));
        const item = node.closest(".counts > li");
        if (item) item.hidden = n === 0;
      }
      for (const node of root.querySelectorAll("[data-share]")) put(node, share(sum(counts, node.dataset.share), tick.devices));
      for (const node of root.querySelectorAll("[data-field]")) {
        const value = tick[node.dataset.field];
        if (typeof value === "number") put(node, number(value));
        else if (typeof value === "string" && value) put(node, value);
      }
      for (const node of root.querySelectorAll("[data-moment]")) {
        const at = tick[node.dataset.moment];
        if (!at || Number.isNaN(Date.parse(at))) continue;
        node.dateTime = at;
        put(node, moment(at, Number(node.dataset.offset) || 0));
      }
      for (const bar of root.querySelectorAll("[data-bar]")) draw(bar, counts, tick.devices);
      changed = stands(root, tick) || changed;
    }
    return changed;
  };

  const draw = (bar, counts, devices) => {
    let before = 0;
    for (const part of bar.querySelectorAll("[data-states]")) {
      const n = sum(counts, part.dataset.states);
      part.setAttribute("x", ((100 * before) / Math.max(1, devices)).toFixed(3) + "%");
      part.setAttribute("width", ((100 * n) / Math.max(1, devices)).toFixed(3) + "%");
      before += n;
    }
  };

  // stands remembers where a job stands, and tells whether that is new.
  const stands = (root, tick) => {
    const now = { state: tick.state, paused: tick.paused_by ?? "", wave: String(tick.wave ?? 0), held: tick.hold ? "1" : "" };
    let changed = false;
    for (const [name, value] of Object.entries(now)) {
      if (root.dataset[name] === undefined || root.dataset[name] === value) continue;
      root.dataset[name] = value;
      changed = true;
    }
    return changed;
  };

  // Parts of the page, put in anew where they differ, and never under the hands of somebody who works in them.
  const fetchParts = async () => {
    clearTimeout(partsTimer);
    partsTimer = 0;
    if (!partsFrom || fetching || document.hidden) return;
    fetching = true;
    partsAt = Date.now();
    try {
      const answer = await fetch(partsFrom, { credentials: "same-origin", headers: { Accept: "text/html" } });
      if (answer.ok) {
        swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
        fresh(answer.headers.get("Date"));
      }
      if (answer.status === 401) signedOut();
    } catch {
      // the connection is away: the events' own error tells so
    } finally {
      fetching = false;
    }
  };

  const swap = (page) => {
    const said = document.querySelector("[data-say]")?.textContent;
    for (const part of page.querySelectorAll("[data-part]")) {
      const old = document.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
      if (!old || old.isEqualNode(part) || old.contains(document.activeElement) || chosen(old)) continue;
      for (const open of old.querySelectorAll("details[open]")) {
        const same = part.querySelectorAll("details")[[...old.querySelectorAll("details")].indexOf(open)];
        if (same) same.open = true;
      }
      old.replaceWith(document.adoptNode(part));
    }
    const says = document.querySelector("[data-say]")?.textContent;
    if (says && said && says.split(":")[0] !== said.split(":")[0]) put(news, says);
  };

  // chosen tells whether somebody marks text in a part.
  const chosen = (part) => {
    const marked = document.getSelection();
    return marked && !marked.isCollapsed && part.contains(marked.anchorNode);
  };

  const refresh = (wait) => {
    if (!partsTimer) partsTimer = setTimeout(fetchParts, wait);
  };

  const heard = (event) => {
    let tick;
    try {
      tick = JSON.parse(event.data);
    } catch {
      return;
    }
    if (!tick || typeof tick.id !== "string") return;
    retryAfter = 1000;
    restored();
    if (show(tick)) {
      clearTimeout(partsTimer);
      partsTimer = 0;
      refresh(soon);
    } else {
      refresh(Math.max(soon, partsAt + calm - Date.now()));
    }
    fresh(tick.at);
  };

  // fresh says when the figures are from.
  const fresh = (text) => {
    const at = Date.parse(text ?? "");
    if (!asof || Number.isNaN(at)) return;
    asof.dateTime = new Date(at).toISOString();
    put(asof, new Date(at + (Number(asof.dataset.asof) || 0) * 1000).toISOString().slice(11, 19));
  };

  const lost = () => {
    offline.hidden = false;
    put(offline, `The connection is lost: the figures are as of ${asof?.textContent ?? "a while ago"}. Trying again.`);
  };
  const signedOut = () => {
    close();
    offline.hidden = false;
    put(offline, "You are signed out: load the page again to sign in.");
  };
  const restored = () => {
    if (offline.hidden) return;
    offline.hidden = true;
    put(offline, "");
    refresh(soon);
  };

  const close = () => {
    clearTimeout(retryTimer);
    source?.close();
    source = null;
  };

  const open = () => {
    close();
    if (document.hidden) return;
    source = new EventSource(live);
    source.addEventListener("job", heard);
    source.addEventListener("open", restored);
    source.addEventListener("error", () => {
      lost();
      if (source?.readyState !== EventSource.CLOSED) return; // it tries again by itself
      close();
      retryTimer = setTimeout(open, retryAfter); // whoever is signed out hears so from the parts
      fetchParts();
      retryAfter = Math.min(longest, 2 * retryAfter);
    });
  };

  // A page that nobody sees follows nothing.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return close();
    open();
    refresh(soon);
  });
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) open();
  });
  setInterval(() => refresh(soon), still);
  open();
})();
