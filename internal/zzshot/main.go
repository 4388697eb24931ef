package main
import ("context";"os";"time";"fmt";"strconv"
"github.com/chromedp/chromedp";"github.com/chromedp/cdproto/emulation";"github.com/chromedp/cdproto/network")
func main(){
 opts:=append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox)
 a,c:=chromedp.NewExecAllocator(context.Background(),opts...); defer c()
 ctx,c2:=chromedp.NewContext(a); defer c2()
 ctx,c3:=context.WithTimeout(ctx,60*time.Second); defer c3()
 tok,_:=os.ReadFile("/tmp/drive/tok")
 w,_:=strconv.Atoi(os.Args[1]); scheme:=os.Args[2]
 acts:=[]chromedp.Action{network.Enable(),network.SetExtraHTTPHeaders(network.Headers{"Authorization":"Bearer "+string(tok[:len(tok)-1])}),
 emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name:"prefers-color-scheme",Value:scheme}}),
 chromedp.EmulateViewport(int64(w),1000)}
 for i:=3;i<len(os.Args);i+=2 { var b []byte
 acts=append(acts,chromedp.Navigate("http://127.0.0.1:7480"+os.Args[i]),chromedp.Sleep(1500*time.Millisecond),chromedp.FullScreenshot(&b,100))
 f:=os.Args[i+1]; acts=append(acts,chromedp.ActionFunc(func(context.Context) error { return os.WriteFile(f,b,0o644)})) }
 if err:=chromedp.Run(ctx,acts...);err!=nil{fmt.Println(err)}
}
