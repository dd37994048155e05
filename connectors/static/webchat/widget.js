// The chat on any site: <script src="https://help.example.com/chat/widget.js" defer></script>
// Optional attributes: data-label, data-side="left". Nothing is loaded or stored before the button is pressed.

(() => {
  const script = document.currentScript, origin = new URL(script.src).origin;
  const label = script.dataset.label || "Chat with us", left = script.dataset.side === "left";
  const host = document.createElement("deskgate-chat"), root = host.attachShadow({ mode: "open" });
  const side = left ? "left" : "right";

  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    :host { all: initial; color-scheme: light dark; position: fixed; inset-block-end: max(20px, env(safe-area-inset-bottom)); ${side}: 20px; z-index: 2147483000; }
    button { display: grid; place-items: center; inline-size: 60px; block-size: 60px; border: 0; border-radius: 50%; cursor: pointer;
      color: light-dark(#fff, #06231f); background: light-dark(#14605a, #7ccfc1); box-shadow: 0 2px 6px rgb(0 0 0 / .18), 0 10px 28px rgb(0 0 0 / .22); transition: transform .15s ease; }
    button:hover { transform: translateY(-2px); }
    button:focus-visible { outline: 3px solid light-dark(#14605a, #7ccfc1); outline-offset: 3px; }
    svg { inline-size: 28px; block-size: 28px; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
    i { position: absolute; inset-block-start: 0; ${side}: 0; inline-size: 16px; block-size: 16px; border-radius: 50%; background: #c8372d; border: 2px solid #fff; }
    iframe { position: fixed; inset-block-end: 92px; ${side}: 20px; inline-size: min(400px, calc(100vw - 40px)); block-size: min(660px, calc(100dvh - 116px));
      border: 0; border-radius: 18px; box-shadow: 0 2px 8px rgb(0 0 0 / .12), 0 18px 60px rgb(0 0 0 / .28); background: light-dark(#fff, #15191b); }
    [hidden] { display: none !important; }
    @media (max-width: 520px) { iframe { inset: 0; inline-size: 100vw; block-size: 100dvh; border-radius: 0; } .open button { display: none; } }
    @media (prefers-reduced-motion: reduce) { button { transition: none; } button:hover { transform: none; } }
    @media print { :host { display: none; } }
  `);
  root.adoptedStyleSheets = [sheet];

  const wrap = document.createElement("div"), button = document.createElement("button"), unread = document.createElement("i");
  button.type = "button";
  button.setAttribute("aria-label", label);
  button.setAttribute("aria-expanded", "false");
  button.append(drawing());
  unread.hidden = true;
  wrap.append(button, unread);
  root.append(wrap);
  let frame = null;

  button.onclick = () => (frame && !frame.hidden ? close() : open());
  addEventListener("message", ({ source, origin: from, data }) => {
    if (!frame || source !== frame.contentWindow || from !== origin) return;
    if (data?.deskgate === "close") close();
    if (data?.deskgate === "unread") unread.hidden = !frame.hidden;
  });

  function open() {
    if (!frame) {
      frame = document.createElement("iframe");
      frame.title = label;
      frame.src = `${origin}/chat?embed=1`;
      wrap.prepend(frame);
    }
    frame.hidden = false;
    unread.hidden = true;
    shown(true);
    frame.focus();
  }

  function close() {
    frame.hidden = true;
    shown(false);
    button.focus();
  }

  function shown(open) {
    wrap.className = open ? "open" : "";
    button.setAttribute("aria-expanded", String(open));
  }

  function drawing() {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), path = document.createElementNS(svg.namespaceURI, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", "M12 4c4.700 0 8.500 3.100 8.500 7s-3.800 7-8.500 7c-.9 0-1.800-.1-2.600-.3L5 20l.9-3.600C4.400 15.100 3.500 13.200 3.500 11c0-3.900 3.800-7 8.500-7zM8.500 11h.01M12 11h.01M15.500 11h.01");
    svg.append(path);
    return svg;
  }

  (document.body ?? document.documentElement).append(host);
})();
