// After Effects: copied into its folder "Scripts", this appears under File > Scripts. It tells the open Reverie panel.
(function () {
  try {
    new ExternalObject('lib:PlugPlugExternalObject');
    var event = new CSXSEvent();
    event.type = 'org.reverie.stylize';
    event.data = '';
    event.dispatch();
  } catch (thrown) {
    alert('Reverie: the panel could not be told (' + thrown + '). Open it under Window > Extensions, then try again.');
  }
})();
