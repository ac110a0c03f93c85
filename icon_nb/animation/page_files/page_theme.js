// The ground that a page stands on: what the frame around it says, otherwise the system's. Paper is always white.

const systemDark = matchMedia("(prefers-color-scheme: dark)");
let saidTheme = null, onPaper = false;

function setTheme() {
  document.documentElement.dataset.theme = onPaper ? "light" : saidTheme || (systemDark.matches ? "dark" : "light");
}

function followTheme(repaint) {
  const again = () => { setTheme(); repaint(); };
  systemDark.addEventListener("change", again);
  addEventListener("message", (event) => {
    const theme = event.data && event.data.theme;
    if (theme !== "light" && theme !== "dark") return;
    saidTheme = theme;
    again();
  });
  for (const [name, on] of [["beforeprint", true], ["afterprint", false]]) addEventListener(name, () => { onPaper = on; again(); });
}

setTheme();
