/**
 * The menu command "Stylize selection" of Premiere and After Effects: an extension without a face of its own. It tells
 * the panel, which does the work, and goes away.
 */
(function () {
  const cep = window.__adobe_cep__;
  const { appId } = JSON.parse(cep.getHostEnvironment());
  // A closed panel hears nothing; one that opens is told when it has had time to.
  cep.requestOpenExtension('org.reverie.panel', '');
  const event = {
    type: 'org.reverie.stylize',
    scope: 'APPLICATION',
    appId,
    extensionId: 'org.reverie.stylize',
    data: '',
  };
  let tries = 0;
  const leave = () => {
    window.clearInterval(timer);
    cep.closeExtension();
  };
  cep.addEventListener('org.reverie.heard', leave);
  const tell = () => (tries++ < 20 ? cep.dispatchEvent(event) : leave());
  const timer = window.setInterval(tell, 500);
  tell();
})();
