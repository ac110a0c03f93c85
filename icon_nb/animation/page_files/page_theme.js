// The ground that a page stands on: what the frame around it says, otherwise the system's. Paper is always white.

const systemDark = matchMedia("(prefers-color-scheme: dark)");
let saidTheme = null, onPaper = false, repaintTheme = () => {};

function setTheme() {
  document.documentElement.dataset.theme = onPaper ? "light" : saidTheme || (systemDark.matches ? "dark" : "light");
  repaintTheme();
}

// What the frame says arrives while the page still unpacks its data: it is heard from the first line on.
function followTheme(repaint) {
  repaintTheme = repaint;
}

systemDark.addEventListener("change", setTheme);
addEventListener("message", (event) => {
  const theme = event.data && event.data.theme;
  if (theme !== "light" && theme !== "dark") return;
  saidTheme = theme;
  setTheme();
});
for (const [name, on] of [["beforeprint", true], ["afterprint", false]]) addEventListener(name, () => { onPaper = on; setTheme(); });
setTheme();
