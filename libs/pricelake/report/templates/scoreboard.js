(function () {
  "use strict";
  function show(section, key) {
    document.querySelectorAll('.panel[data-section="' + section + '"]').forEach(function (panel) {
      panel.hidden = panel.id !== key;
    });
  }

  // without this script every case stands below the other, the first one's table open
  document.querySelectorAll("details[data-fold]").forEach(function (details) { details.open = false; });
  document.querySelectorAll("select[data-picks]").forEach(function (select) {
    select.closest(".picker").hidden = false;
    show(select.dataset.picks, select.value);
    select.addEventListener("change", function () {
      show(select.dataset.picks, select.value);
      dispatchEvent(new Event("reveal"));
    });
  });
})();
