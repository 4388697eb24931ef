package app

import (
	"cmp"
	"net/netip"

	"github.com/simshift/simshift/worker"
)

// gate reads how the callback listener faces the world.
func (d *deployment) gate() (*worker.Gate, error) {
	secret, err := credentials(d.env)
	if err != nil {
		return nil, err
	}
	sources, err := readSources(d.env)
	if err != nil {
		return nil, err
	}
	r := reader{env: d.env}
	gate := &worker.Gate{
		Secret: secret, Sources: sources, Connections: int(r.number("CALLBACK_CONNECTIONS", 10, 100_000)),
		Answered: d.figures.Answered, Now: d.env.Now, Log: d.log,
	}
	pair, err := readCertificate(d.env, "CALLBACK", d.log)
	if pair != nil {
		gate.Certificate = pair.get
	}
	return gate, cmp.Or(r.err, err)
}

func credentials(env *Env) (worker.Credentials, error) {
	r := reader{env: env}
	secret := worker.Credentials{
		Username: r.text("CALLBACK_USERNAME"), Password: r.text("CALLBACK_PASSWORD"),
		PreviousUsername: r.text("CALLBACK_PREVIOUS_USERNAME"), PreviousPassword: r.text("CALLBACK_PREVIOUS_PASSWORD"),
	}
	if r.err == nil && secret.PreviousUsername != "" && secret.PreviousPassword == "" {
		return secret, usage("set SIMSHIFT_CALLBACK_PREVIOUS_PASSWORD to the password that went with it, even if it is still the same",
			"SIMSHIFT_CALLBACK_PREVIOUS_USERNAME stands alone")
	}
	return secret, r.err
}

func readSources(env *Env) (sources worker.Sources, err error) {
	if sources.Allowed, err = networks(env, "CALLBACK_ALLOW", worker.ParseAllowed,
		"list addresses and networks, as verizon,192.0.2.7,10.0.0.0/8; verizon stands for the carrier's published addresses"); err != nil {
		return sources, err
	}
	sources.Proxies, err = networks(env, "CALLBACK_TRUSTED_PROXIES", worker.ParseNetworks,
		"list the addresses and networks of your own proxies, as 10.0.0.5,10.1.0.0/16")
	return sources, err
}

func networks(env *Env, name string, parse func(string) ([]netip.Prefix, error), hint string) ([]netip.Prefix, error) {
	text, err := env.get(name)
	if err != nil {
		return nil, err
	}
	list, err := parse(text)
	if err == nil {
		return list, nil
	}
	return nil, usage(hint, "SIMSHIFT_%s: %w", name, err)
}
