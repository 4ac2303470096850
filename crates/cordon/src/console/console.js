// What pages gain where there is script: live rows, copying, keys, a switch of light and dark. Nothing else.
"use strict";
(() => {
  const root = document.documentElement;
  const theme = (() => { try { return localStorage.getItem("theme"); } catch { return null; } })();
  if (theme) root.dataset.theme = theme;

  const shown = (element) => { element.hidden = false; return element; };

  for (const button of document.querySelectorAll("[data-copy]")) {
    if (!navigator.clipboard) break;
    shown(button).addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "copied";
      setTimeout(() => { button.textContent = "copy"; }, 1200);
    });
  }

  const switcher = document.querySelector("[data-theme-switch]");
  if (switcher) shown(switcher).addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* it lasts for this page */ }
  });

  // Keys: `/` searches, `?` lists keys, `g` and a letter goes.
  let going = false;
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "Escape" && field) { field.blur(); return; }
    if (field || event.ctrlKey || event.metaKey || event.altKey) return;
    if (going) {
      going = false;
      const link = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); }
      return;
    }
    if (event.key === "/") {
      const search = document.querySelector("[data-key='/']");
      if (search) { event.preventDefault(); search.focus(); search.select(); }
    } else if (event.key === "?") {
      const keys = document.getElementById("keys");
      if (keys && !keys.open) keys.showModal();
    } else if (event.key === "g") {
      going = true;
      setTimeout(() => { going = false; }, 1500);
    }
  });

  // Calls as they end. Only the newest rows stay, and the page is painted once a frame.
  const live = document.querySelector("[data-live]");
  const body = document.querySelector("#calls tbody");
  if (live && body && window.EventSource) {
    const most = 200;
    let source = null, waiting = [], painting = false, left = 0;
    const cell = (row, text, link, number) => {
      const td = row.insertCell();
      if (number) td.className = "number";
      let at = td;
      if (link) { at = document.createElement("a"); at.href = link; td.append(at); }
      at.append(text);
      return td;
    };
    const row = (call) => {
      const tr = document.createElement("tr");
      tr.className = "new";
      const time = document.createElement("time");
      time.dateTime = time.title = call.time;
      time.textContent = call.time.slice(11, 19);
      cell(tr, time);
      cell(tr, "…" + call.call_id.slice(-12), "/calls/" + encodeURIComponent(call.call_id)).firstChild.title = call.call_id;
      cell(tr, call.principal, "/principals/" + encodeURIComponent(call.principal));
      cell(tr, call.route || "–", call.route && "/routes/" + encodeURIComponent(call.route));
      cell(tr, call.model || "–", call.model && "/models/" + encodeURIComponent(call.model));
      const badge = document.createElement("span");
      badge.className = "badge " + call.verdict;
      badge.textContent = call.verdict;
      cell(tr, badge);
      cell(tr, call.status === null ? "running" : String(call.status), null, true);
      cell(tr, call.timings ? (call.timings.total / 1000).toFixed(1) + " ms" : "", null, true);
      cell(tr, [...new Set(call.findings.map((found) => found.category))].join(", "));
      return tr;
    };
    const paint = () => {
      painting = false;
      const calls = waiting;
      waiting = [];
      for (const call of calls) body.prepend(row(call));
      while (body.rows.length > most) body.deleteRow(-1);
      if (!source) return;
      live.textContent = "Pause" + (left ? ` (${left.toLocaleString("en").replaceAll(",", "\u202f")} more ended than are shown)` : "");
    };
    const soon = () => {
      if (!painting) { painting = true; requestAnimationFrame(paint); }
    };
    const stop = () => {
      if (source) source.close();
      source = null;
      live.setAttribute("aria-pressed", "false");
      live.textContent = "Show new calls as they end";
    };
    shown(live).addEventListener("click", () => {
      if (source) { stop(); return; }
      left = 0;
      source = new EventSource(live.dataset.live);
      live.setAttribute("aria-pressed", "true");
      live.textContent = "Pause";
      source.addEventListener("call", (event) => {
        if (waiting.length >= most) { waiting.shift(); left += 1; }
        waiting.push(JSON.parse(event.data));
        soon();
      });
      source.addEventListener("left_out", (event) => { left += JSON.parse(event.data).calls; soon(); });
      source.addEventListener("problem", stop);
    });
    addEventListener("pagehide", stop);
  }
})();
