// What the console adds when script runs: live updates, keys, copying, the reader's own times. Pages work without it.
(function () {
  "use strict";
  var $ = function (selector, root) { return (root || document).querySelector(selector); };
  var $$ = function (selector, root) { return Array.prototype.slice.call((root || document).querySelectorAll(selector)); };

  // Times in the reader's zone; UTC stays in the title.
  var near = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  var far = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
  function localTimes(root) {
    $$("time[data-local]", root).forEach(function (element) {
      var at = new Date(element.getAttribute("datetime"));
      if (isNaN(at)) return;
      element.textContent = (at.getFullYear() === new Date().getFullYear() ? near : far).format(at);
    });
  }

  function copies(root) {
    if (!navigator.clipboard) return;
    $$("pre[data-copy]", root).forEach(function (pre) {
      if (pre.parentNode.className === "copies") return;
      var text = pre.textContent;
      var button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = "Copy";
      button.addEventListener("click", function () {
        navigator.clipboard.writeText(text).then(function () {
          button.textContent = "Copied";
          setTimeout(function () { button.textContent = "Copy"; }, 2000);
        });
      });
      var box = document.createElement("div");
      box.className = "copies";
      pre.parentNode.insertBefore(box, pre);
      box.appendChild(pre);
      box.appendChild(button);
    });
  }

  // Live: when a change moves, the parts of the page that are marked are fetched anew; what somebody is writing stays.
  var pending = null;
  function refresh() {
    clearTimeout(pending);
    pending = setTimeout(function () {
      fetch(location.href, { headers: { accept: "text/html" }, credentials: "same-origin" }).then(function (answer) {
        return answer.ok ? answer.text() : Promise.reject(answer.status);
      }).then(function (text) {
        var fresh = new DOMParser().parseFromString(text, "text/html");
        $$("[data-live]").forEach(function (old) {
          var next = fresh.getElementById(old.id);
          if (!next || old.outerHTML === next.outerHTML) return;
          var busy = old.contains(document.activeElement) && /INPUT|TEXTAREA|SELECT/.test(document.activeElement.tagName);
          var written = $$("textarea", old).some(function (area) { return area.value !== area.defaultValue; });
          if (busy || written) return changed();
          var open = $$("details[open]", old).map(function (details) { return details.id; });
          old.replaceWith(next);
          open.forEach(function (id) { var details = id && document.getElementById(id); if (details) details.open = true; });
          dress(next);
        });
      }).catch(function () {});
    }, 150);
  }
  function changed() {
    var box = document.getElementById("changed");
    if (box) box.hidden = false;
  }
  function listen() {
    if (!window.EventSource || !$("[data-live]")) return;
    var about = document.body.getAttribute("data-change");
    var source = new EventSource("/events");
    source.addEventListener("change", function (message) {
      var change = JSON.parse(message.data);
      if (!about || String(change.number) === about) refresh();
    });
    source.addEventListener("progress", function (message) {
      var step = JSON.parse(message.data);
      if (String(step.number) === about) refresh();
    });
  }

  // Keys: j and k move, o opens, a and d choose in the form, 1, 2, 0 and z press what says so, ? tells.
  var at = -1;
  function move(step) {
    var rows = $$("[data-row]");
    if (!rows.length) return;
    at = Math.max(0, Math.min(rows.length - 1, at + step));
    rows[at].focus();
    rows[at].scrollIntoView({ block: "nearest" });
  }
  function choose(value) {
    var choice = $('input[name="grade"][value="' + value + '"]');
    if (!choice) return;
    choice.checked = true;
    choice.focus();
    choice.scrollIntoView({ block: "center" });
  }
  // Which of two answers is better.
  function press(key) {
    var button = $('[data-press="' + key + '"]');
    if (button) button.click();
  }
  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (/INPUT|TEXTAREA|SELECT/.test(event.target.tagName) && event.target.type !== "radio") return;
    var help = document.getElementById("keys");
    switch (event.key) {
      case "j": move(1); break;
      case "k": move(-1); break;
      case "o": if (document.activeElement && document.activeElement.matches("[data-row]")) document.activeElement.click(); break;
      case "a": choose("approve"); break;
      case "d": choose("deny"); break;
      case "1": case "2": case "0": case "z": press(event.key); break;
      case "?": if (help && help.showModal && !help.open) help.showModal(); break;
      default: return;
    }
    event.preventDefault();
  });

  function dress(root) { localTimes(root); copies(root); }
  // A second click on a form that is on its way sends nothing; the server would see it as the same command anyway.
  document.addEventListener("submit", function (event) {
    if (event.target.hasAttribute("data-sent")) return event.preventDefault();
    event.target.setAttribute("data-sent", "");
  });
  window.addEventListener("pageshow", function () { $$("form[data-sent]").forEach(function (form) { form.removeAttribute("data-sent"); }); });
  dress(document);
  listen();
})();
