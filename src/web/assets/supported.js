// First in <body>, so that styles which need scripts apply before anything is drawn. A file of its own,
// as the content security policy lets no script run from inside a page.
document.body.className +=
  " js-enabled" + ("noModule" in HTMLScriptElement.prototype ? " govuk-frontend-supported" : "");
