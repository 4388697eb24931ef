package housekeeping

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/simshift/simshift/internal/app"
)

// shipped are the files by which somebody else runs the program.
var shipped = []string{"docker-compose.yml", "deploy/simulator.env"}

// deploymentOnly are names that stand in for the compose file alone.
var deploymentOnly = map[string]bool{"SECRETS_DIR": true, "REDIS_MAXMEMORY": true}

func TestTheDeploymentSetsOnlyWhatTheProgramReads(t *testing.T) {
	t.Parallel()
	files := root(t)
	secret := make(map[string]bool)
	for _, setting := range app.Settings {
		secret[setting.Name] = setting.Secret
	}
	name := regexp.MustCompile(`SIMSHIFT_([A-Z_]+)`)
	for _, file := range shipped {
		for _, match := range name.FindAllStringSubmatch(read(t, files, file), -1) {
			setting, fromFile := match[1], false
			if _, itself := secret[setting]; !itself { // a setting's own name may end so
				setting, fromFile = strings.CutSuffix(setting, "_FILE")
			}
			isSecret, known := secret[setting]
			switch {
			case deploymentOnly[setting]:
			case !known:
				t.Errorf("%s sets %s, which the program does not read", file, match[0])
			case isSecret && !fromFile:
				t.Errorf("%s sets the secret %s in the open: use %s_FILE", file, match[0], match[0])
			}
		}
	}
}

func TestEverySecretOfTheDeploymentHasAFileInTheExample(t *testing.T) {
	t.Parallel()
	files := root(t)
	compose := read(t, files, "docker-compose.yml")
	entries, err := fs.ReadDir(files, "deploy/simulator-secrets")
	if err != nil {
		t.Fatal(err)
	}
	there := make(map[string]bool)
	for _, entry := range entries {
		there[entry.Name()] = true
	}
	asked := regexp.MustCompile(`/run/secrets/(\w+)`).FindAllStringSubmatch(compose, -1)
	if len(asked) == 0 {
		t.Fatal("the deployment asks for no secret")
	}
	for _, match := range asked {
		if !there[match[1]] {
			t.Errorf("deploy/simulator-secrets has no %s", match[1])
		}
		if !strings.Contains(compose, "\n  "+match[1]+": { file: ") {
			t.Errorf("docker-compose.yml mounts no %s", match[1])
		}
	}
}

func TestTheDeploymentsConsoleIsPublishedForItsMachineAlone(t *testing.T) {
	t.Parallel()
	compose := read(t, root(t), "docker-compose.yml")
	published := regexp.MustCompile(`"([^"]*):8080"`).FindAllStringSubmatch(compose, -1)
	if len(published) != 1 || published[0][1] != "127.0.0.1:8080" {
		t.Errorf("the console is published as %v", published)
	}
	if !strings.Contains(compose, "SIMSHIFT_CONSOLE_LISTEN: ${SIMSHIFT_CONSOLE_LISTEN:-off}") {
		t.Error("the console is not off where nobody turned it on: without tokens, serve would not start")
	}
}

func TestTheDeploymentsRedisForgetsNothing(t *testing.T) {
	t.Parallel()
	compose := read(t, root(t), "docker-compose.yml")
	for _, setting := range []string{"--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction"} {
		if !strings.Contains(compose, setting) {
			t.Errorf("its Redis runs without %s", setting)
		}
	}
}
