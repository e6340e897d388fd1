// Runs inside the page and returns sentences about what is wrong: names, ids, headings, contrast. Written for this page's tests.
() => {
  const faults = [];
  const visible = (node) => node.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && node.getClientRects().length > 0;
  const short = (node) => `<${node.tagName.toLowerCase()} class="${node.getAttribute("class") ?? ""}"> ${(node.textContent ?? "").trim().slice(0, 40)}`;
  const referenced = (node, name) => (node.getAttribute(name) ?? "").split(/\s+/).filter(Boolean);

  const nameOf = (node) => node.getAttribute("aria-label")
    || referenced(node, "aria-labelledby").map((id) => document.getElementById(id)?.textContent).join(" ").trim()
    || [...(node.labels ?? [])].map((label) => label.textContent).join(" ").trim()
    || (node.matches("input, textarea") ? "" : node.textContent.trim());

  for (const node of document.querySelectorAll("button, a[href], input, textarea, select, summary, [tabindex='0'], [role=tab]")) {
    if (visible(node) && !nameOf(node)) faults.push(`no name: ${short(node)}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  for (const id of new Set(ids.filter((one, index) => ids.indexOf(one) !== index))) faults.push(`id used twice: ${id}`);
  for (const name of ["aria-labelledby", "aria-describedby", "aria-controls"]) {
    for (const node of document.querySelectorAll(`[${name}]`)) {
      for (const id of referenced(node, name)) if (!document.getElementById(id)) faults.push(`${name} leads nowhere: ${short(node)}`);
    }
  }
  for (const node of document.querySelectorAll("svg.icon, svg.brand-mark")) {
    if (node.getAttribute("aria-hidden") !== "true") faults.push(`icon is read aloud: ${node.outerHTML.slice(0, 60)}`);
  }
  if (!document.documentElement.lang) faults.push("no language");
  for (const landmark of ["main", "header"]) if (document.querySelectorAll(landmark).length === 0) faults.push(`no ${landmark}`);

  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const rgba = (colour) => {
    if (!known.has(colour)) known.set(colour, painted(colour));
    return known.get(colour);
  };
  const painted = (colour) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
    return { red, green, blue, alpha: alpha / 255 };
  };
  const over = (top, under) => Object.fromEntries(["red", "green", "blue"].map((part) => [part, top[part] * top.alpha + under[part] * (1 - top.alpha)]));
  const luminance = (colour) => {
    const [red, green, blue] = [colour.red, colour.green, colour.blue].map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const backgroundOf = (node) => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) layers.unshift(rgba(getComputedStyle(at).backgroundColor));
    return layers.reduce((under, layer) => over(layer, under), { red: 255, green: 255, blue: 255 });
  };
  const seen = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const node = text.parentElement;
    if (!text.textContent.trim() || !visible(node) || node.closest(".visually-hidden, :disabled, [inert], .sql-field")) continue;
    const style = getComputedStyle(node);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
    const under = backgroundOf(node);
    const ink = over(rgba(node instanceof SVGElement ? style.fill : style.color), under);
    const [light, dark] = [luminance(ink), luminance(under)].sort((one, other) => other - one);
    const contrast = (light + 0.05) / (dark + 0.05);
    const key = `${style.color} ${style.fill} ${JSON.stringify(under)}`;
    if (contrast < (large ? 3 : 4.5) && !seen.has(key)) {
      seen.add(key);
      faults.push(`contrast ${contrast.toFixed(2)}: ${short(node)}`);
    }
  }
  return faults;
}
