(function () {
  "use strict";
  var figures = JSON.parse(document.getElementById("figures").textContent);
  var holders = Array.prototype.slice.call(document.querySelectorAll(".plot[data-plot]"));
  var config = { displayModeBar: false, responsive: true, showTips: false, doubleClick: false };

  // plots name colours by role; the style sheet says what a role looks like in light, dark and print
  function coloured(value, style, isColour) {
    if (Array.isArray(value)) {
      return value.map(function (inner) { return coloured(inner, style, isColour); });
    }
    if (value && typeof value === "object") {
      var copy = {};
      Object.keys(value).forEach(function (key) { copy[key] = coloured(value[key], style, /color$/.test(key)); });
      return copy;
    }
    if (isColour && typeof value === "string" && value.indexOf("var(--") === 0) {
      return style.getPropertyValue(value.slice(4, -1)).trim();
    }
    return value;
  }

  function draw() {
    var style = getComputedStyle(document.documentElement);
    // a hidden plot has no width; it is drawn when it is revealed
    var shown = holders.filter(function (holder) { return !holder.closest("[hidden]"); });
    return Promise.all(shown.map(function (holder) {
      var figure = coloured(figures[holder.dataset.plot], style, false);
      return Plotly.react(holder, figure.data, figure.layout, config);
    }));
  }

  function drawn() { document.documentElement.dataset.drawn = "yes"; }

  draw().then(drawn);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("reveal", draw);
  addEventListener("beforeprint", function () { document.documentElement.dataset.scheme = "light"; draw(); });
  addEventListener("afterprint", function () { delete document.documentElement.dataset.scheme; draw(); });
})();
